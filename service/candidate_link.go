package service

import (
	"context"
	"fmt"
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
	stepWrongBorn = "wrong_born" // somebody answered a day of birth that is not its candidate's
	stepEndLinks  = "end_links"  // there were too many of these
	stepLinked    = "linked"
	stepByPhone   = "linked_by_phone"
	stepUnlinked  = "unlinked"
)

// wrongBorn writes down that somebody who has opened a link of an application, which
// is held, does not know the day of birth of its candidate. It reports whether that
// ended the links: then the center's staff hear of it, for a link may be in wrong
// hands, or the application may have a wrong day.
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
