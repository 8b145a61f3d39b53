package service

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"
)

// mostWrongDays is how many wrong days of birth the links of an application bear
// together before all of them end. What one Telegram user may answer is bounded by
// freeClaims, but whoever holds a link can have many of them. Two people who try as
// often as they may at once reach it; of the 15,000 days of some forty years it is
// less than one in a thousand.
const mostWrongDays = 2 * (freeClaims + 1)

// Steps of an application that concern its links.
const (
	stepWrongBorn = "wrong_born" // somebody answered a day of birth, or digits of a document, that are not its candidate's
	stepEndLinks  = "end_links"  // there were too many of these
	stepLinked    = "linked"
	stepByPhone   = "linked_by_phone"
	stepUnlinked  = "unlinked"
)

// ClaimLinkInput is the answer to a question of a candidate's link.
type ClaimLinkInput struct {
	TelegramID int64
	Language   string // of their Telegram
	Text       string // the day of birth, or the last digits of the document, as they write it
	Again      bool   // the same message was worked on before
}

// linkAnswer is what an answer to the question of a link leads to.
type linkAnswer int

// The answers.
const (
	linkWrong  linkAnswer = iota
	linkRepeat            // wrong, and said before
	linkHalf              // the last digits of the document are asked too
	linkRight
)

// ClaimLink takes the day of birth of whoever has opened a candidate's link, see
// People.Accept, and gives them its application when that is its candidate's. Where
// the day does not tell that candidate from others, see commonBorn, it says Asked: the
// last digits of the identity document are awaited by ClaimLinkDigits, whatever the
// day, so that nothing is told of it alone.
//
// On another day it is ReasonCandidateOther: the link is not used up, and the day is
// awaited again; the same wrong day said again is not counted. After a few of these it
// is ReasonCandidateSlow for a while, and after a few more, whoever answered them, all
// links of the application end, which the center's staff hear. A link that has ended,
// and the question that was never asked or has waited too long, is
// ReasonInvitationInvalid; who works in the center by now gets ReasonCandidateStaff.
func (s *Candidates) ClaimLink(ctx context.Context, in ClaimLinkInput) (*Arrival, error) {
	if _, err := ReadDigits(in.Text); err == nil && in.Again { // wrong ones: the day is awaited anew
		return nil, refuse(Invalid, ReasonCandidateNotBoth)
	}
	day, err := readBorn(in.Text, s.now())
	if err != nil {
		return nil, err
	}
	return s.answerLink(ctx, in, ClaimLink, func(ctx context.Context, tx Tx, c *Claim, a *Application) (linkAnswer, Reason, error) {
		common, err := commonBorn(ctx, tx, a)
		if err != nil {
			return linkWrong, "", err
		}
		said := c.BornOn
		c.BornOn = day
		switch {
		case common && a.documented():
			c.Step = ClaimLinkDigits
			return linkHalf, "", nil
		case a.BornOn == day:
			return linkRight, "", nil
		case said == day:
			return linkRepeat, ReasonCandidateOther, nil
		}
		return linkWrong, ReasonCandidateOther, nil
	})
}

// ClaimLinkDigits takes the last digits of the identity document after ClaimLink, and
// compares both answers. Where either is wrong it is ReasonCandidateNotBoth, which
// counts as a wrong day does, and the day is awaited again.
func (s *Candidates) ClaimLinkDigits(ctx context.Context, in ClaimLinkInput) (*Arrival, error) {
	digits, err := ReadDigits(in.Text)
	if err != nil {
		return nil, err
	}
	return s.answerLink(ctx, in, ClaimLinkDigits, func(_ context.Context, _ Tx, c *Claim, a *Application) (linkAnswer, Reason, error) {
		if a.BornOn == c.BornOn && a.documentEnds(digits) {
			return linkRight, "", nil
		}
		c.Step, c.BornOn = ClaimLink, Day{}
		return linkWrong, ReasonCandidateNotBoth, nil
	})
}

// compareAnswer says what an answer to the question of a link leads to, and why it is
// refused. It changes what the claim awaits.
type compareAnswer func(ctx context.Context, tx Tx, c *Claim, a *Application) (linkAnswer, Reason, error)

// answerLink takes an answer of whoever has opened a candidate's link.
func (s *Candidates) answerLink(ctx context.Context, in ClaimLinkInput, step ClaimStep, compare compareAnswer) (*Arrival, error) {
	var out *Arrival
	var refused error // the count must be committed, so it is no error inside
	err := s.claim(ctx, in.TelegramID, func(ctx context.Context, tx Tx, c *Claim, now time.Time) error {
		out, refused = nil, nil
		if c.Step != step {
			refused = refuse(Invalid, ReasonInvitationInvalid)
			return nil
		}
		inv, a, err := leading(ctx, tx, in.TelegramID, c.InvitationID, now)
		switch {
		case ReasonOf(err) == ReasonCandidateStaff:
			refused = err
			c.forget()
			return nil
		case err != nil:
			return err
		case inv == nil:
			c.forget()
			refused = refuse(Invalid, ReasonInvitationInvalid)
			return nil
		case now.Before(c.NextAt):
			refused = c.slow(now)
			return nil
		}
		answer, why, err := compare(ctx, tx, c, a)
		if err != nil {
			return err
		}
		switch answer {
		case linkHalf:
			out = &Arrival{Asked: true}
			return nil
		case linkRepeat:
			refused = refuse(Invalid, why)
			return nil
		case linkWrong:
			refused, err = wrongLink(ctx, tx, c, a, why, now)
			return err
		case linkRight:
		}
		got, err := s.people.seatByLink(ctx, tx, AcceptInput{TelegramID: in.TelegramID, Language: in.Language, Chosen: c.Language}, inv, a, now)
		if err != nil {
			return err
		}
		out = &got
		c.forget()
		c.Tries, c.NextAt = 0, now
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, refused
}

// wrongLink counts a wrong answer to the question of a link of an application, which
// is held, and returns its refusal.
func wrongLink(ctx context.Context, tx Tx, c *Claim, a *Application, why Reason, now time.Time) (refused, err error) {
	c.wrong(now)
	ended, err := wrongBorn(ctx, tx, c.TelegramID, a, now)
	if ended {
		c.forget()
		why = ReasonInvitationInvalid
	}
	return refuse(Invalid, why), err
}

// commonBorn tells whether the day of birth of an application is too little to tell
// its candidate from others of the center: another one has the same, or it is the
// first of January, which many passports show whose holders do not know their day. All
// exams of the center count, however long past: whoever sat one keeps the chat to
// which a link can be sent by mistake.
func commonBorn(ctx context.Context, q Queries, a *Application) (bool, error) {
	if a.BornOn.Month == time.January && a.BornOn.Day == 1 {
		return true, nil
	}
	shared, err := q.BornShared(ctx, a.ID)
	if err != nil {
		return false, fmt.Errorf("whose day of birth is that of application %d: %w", a.ID, err)
	}
	return shared, nil
}

// LinkAsks is what a candidate's link asks beside the day of birth.
type LinkAsks struct {
	Digits    bool // the last digits of the identity document, see commonBorn
	Unguarded bool // it would ask them, and the application has no document: others of the day of birth can open it
}

// Asks tells what the links of an application ask. It can change with the lists of the
// center.
func (s *Candidates) Asks(ctx context.Context, a *Application) (LinkAsks, error) {
	common, err := commonBorn(ctx, s.store, a)
	return LinkAsks{Digits: common && a.documented(), Unguarded: common && !a.documented()}, err
}

// Unguarded lists the applications of an exam by their numbers, linked to nobody,
// whose links can be opened by others of the same day of birth, see LinkAsks. For
// whoever may see the exam.
func (s *Candidates) Unguarded(ctx context.Context, by Actor, examID int64) ([]string, error) {
	e, err := s.store.Exam(ctx, by, examID)
	if err != nil {
		return nil, fmt.Errorf("exam %d: %w", examID, err)
	}
	list, err := s.store.Applications(ctx, e.ID)
	if err != nil {
		return nil, fmt.Errorf("applications of exam %d: %w", e.ID, err)
	}
	var out []string
	for i := range list {
		a := &list[i]
		if a.PersonID != 0 || a.documented() {
			continue
		}
		asks, err := s.Asks(ctx, a)
		if err != nil {
			return nil, err
		}
		if asks.Unguarded {
			out = append(out, a.Number)
		}
	}
	return out, nil
}

// documented tells whether an application has an identity document whose last digits
// can be asked for.
func (a *Application) documented() bool { return len(onlyDigits(a.IdentityDocument)) >= documentDigits }

// notOfStaff refuses a candidate's link to whoever works in the center of its
// application, or sees all centers: they open it to try it, and would get what is the
// candidate's. Who sits an exam there all the same uses another account of theirs, or
// takes the paper.
func notOfStaff(ctx context.Context, tx Tx, telegramID int64, a *Application) error {
	by, err := tx.ActorByTelegram(ctx, telegramID)
	if err != nil {
		if AsError(err).Kind == NotFound {
			return nil
		}
		return fmt.Errorf("who opens a link: %w", err)
	}
	e, err := tx.Exam(ctx, System, a.ExamID)
	if err != nil {
		return fmt.Errorf("exam %d: %w", a.ExamID, err)
	}
	if by.Has(RoleAdmin) || by.Has(RoleOperatorRep) || slices.Contains(by.Seats, Seat{Role: RoleCenterStaff, OrgID: e.CenterID}) {
		return refuse(Invalid, ReasonCandidateStaff)
	}
	return nil
}

// wrongBorn writes down that somebody who has opened a link of an application, which
// is held, does not know the day of birth of its candidate, or the document. It
// reports whether that ended the links: then the center's staff hear of it, for a link
// may be in wrong hands, or the application may have a wrong day.
func wrongBorn(ctx context.Context, tx Tx, telegramID int64, a *Application, now time.Time) (bool, error) {
	step := History{Subject: SubjectApplication, SubjectID: a.ID, At: now, Event: stepWrongBorn}
	p, err := tx.PersonByTelegram(ctx, telegramID)
	switch {
	case err == nil:
		step.PersonID = p.ID
	case AsError(err).Kind != NotFound:
		return false, fmt.Errorf("who answers: %w", err)
	}
	if err := tx.AddHistory(ctx, step); err != nil {
		return false, fmt.Errorf("history of application %d: %w", a.ID, err)
	}
	wrong, err := tx.StepsSince(ctx, SubjectApplication, a.ID, stepWrongBorn, []string{stepEndLinks, stepLinked, stepByPhone, stepUnlinked})
	if err != nil || wrong < mostWrongDays {
		return false, err
	}
	if err := tx.EndApplicationInvitations(ctx, []int64{a.ID}, 0, now); err != nil {
		return false, fmt.Errorf("end the links of application %d: %w", a.ID, err)
	}
	err = tx.AddHistory(ctx, History{Subject: SubjectApplication, SubjectID: a.ID, At: now, Event: stepEndLinks})
	if err != nil {
		return false, fmt.Errorf("history of application %d: %w", a.ID, err)
	}
	return true, tellOfLinks(ctx, tx, a)
}

// OwnNotice has the screen with own applications in somebody's chat show what is
// theirs still: one was taken away from them.
type OwnNotice struct{}

// NoticeKind implements Notice.
func (OwnNotice) NoticeKind() string { return "candidate_own" }

// NoticeLane implements Notice: what is another's must not stay in sight.
func (OwnNotice) NoticeLane() Lane { return LaneAnswer }

// NoticeKey implements Notice. It is the name of the screen, see Card.
func (OwnNotice) NoticeKey() string { return "candidate_own:" }

// LinksEndedNotice tells the staff of a center that the links of an application
// ended, because too many wrong days of birth were answered to them.
type LinksEndedNotice struct {
	ApplicationID int64
}

// NoticeKind implements Notice.
func (LinksEndedNotice) NoticeKind() string { return "candidate_links_ended" }

// NoticeLane implements Notice.
func (LinksEndedNotice) NoticeLane() Lane { return LaneNews }

// NoticeKey implements Notice: once for each application.
func (n LinksEndedNotice) NoticeKey() string {
	return "candidate_links_ended:" + strconv.FormatInt(n.ApplicationID, 10)
}

func tellOfLinks(ctx context.Context, tx Tx, a *Application) error {
	e, err := tx.Exam(ctx, System, a.ExamID)
	if err != nil {
		return fmt.Errorf("exam %d: %w", a.ExamID, err)
	}
	staff, err := tx.PeopleIn(ctx, RoleCenterStaff, e.CenterID, tellLimit)
	if err != nil {
		return fmt.Errorf("who is told of ended links: %w", err)
	}
	for _, id := range staff {
		if err := tx.Enqueue(ctx, id, LinksEndedNotice{ApplicationID: a.ID}, time.Time{}); err != nil {
			return fmt.Errorf("tell of ended links: %w", err)
		}
	}
	return nil
}
