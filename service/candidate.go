package service

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// The refusals of this subject. Why a claim finds nothing is never told apart:
// whoever guesses learns nothing.
const (
	ReasonCandidateContact Reason = "candidate.contact"  // not the sender's own contact
	ReasonCandidateBorn    Reason = "candidate.born"     // no day of birth
	ReasonCandidateDigits  Reason = "candidate.digits"   // not four digits
	ReasonCandidateNoMatch Reason = "candidate.no_match" // no application agrees with everything
	ReasonCandidateOther   Reason = "candidate.other"    // the link is that of somebody born on another day
	ReasonCandidateNotBoth Reason = "candidate.not_both" // the same of the day and the last digits of the document; which of them is not told
	ReasonCandidateStaff   Reason = "candidate.staff"    // the link is a candidate's, and who opens it works in the center or oversees it
	ReasonCandidateSlow    Reason = "candidate.slow"     // too many claims that led nowhere; Data: hours to wait
	ReasonCandidateNoScan  Reason = "candidate.no_scan"  // there is nothing to send yet

	// Of staff.
	ReasonCandidateLinked    Reason = "candidate.linked"     // the application belongs to somebody already
	ReasonCandidateNotLinked Reason = "candidate.not_linked" // it belongs to nobody
	ReasonCandidateAllLinked Reason = "candidate.all_linked" // no slip is needed
)

// CandidateLanguages are the languages of those who sit exams; the first is the
// default. Each has its texts. Source: the product's owner.
var CandidateLanguages = []string{"ru", "uz", "tg", "ky", "az", "hy", "zh", "en"}

// LanguageOf returns the candidates' language of an IETF tag such as "uz" or
// "zh-hans", "" when there are no texts in it.
func LanguageOf(tag string) string {
	tag, _, _ = strings.Cut(strings.ToLower(strings.TrimSpace(tag)), "-")
	for _, l := range CandidateLanguages {
		if l == tag {
			return l
		}
	}
	return ""
}

// Delivery is one time at which a scan reached its candidate. Nothing of a row
// changes but its recall.
type Delivery struct {
	ID            int64 `bun:",pk,autoincrement"`
	ApplicationID int64
	ScanID        int64
	PersonID      int64
	MessageID     int64     // in the person's chat; 0: nobody confirmed it, staff say that it has arrived
	SentAt        time.Time // UTC
	Recall        RecallState
	RecalledBy    int64      `bun:",nullzero"`
	RecalledAt    *time.Time // UTC; when it was asked for
}

// RecallState is what became of taking a delivered scan back out of a chat.
type RecallState string

// The states.
const (
	RecallNone    RecallState = ""
	RecallAsked   RecallState = "asked"   // the message is being deleted
	RecallDone    RecallState = "done"    // it is gone
	RecallFailed  RecallState = "failed"  // the messenger refused: it is too old, or was gone
	RecallUnknown RecallState = "unknown" // the request left, no answer came
)

// DeliveryNotice brings a loaded scan to its candidate.
type DeliveryNotice struct {
	ApplicationID int64
	ScanID        int64
}

// NoticeKind implements Notice.
func (DeliveryNotice) NoticeKind() string { return "delivery" }

// NoticeLane implements Notice: a certificate keeps quiet hours.
func (DeliveryNotice) NoticeLane() Lane { return LaneNews }

// NoticeKey implements Notice: a scan goes out once.
func (n DeliveryNotice) NoticeKey() string {
	return "delivery:" + strconv.FormatInt(n.ApplicationID, 10) + ":" + strconv.FormatInt(n.ScanID, 10)
}

// scheduleDelivery has the scan that was just loaded, a.ScanID, go to the
// application's candidate once hold has passed. Who is not linked yet gets it
// when they link. The caller saves the application.
func scheduleDelivery(ctx context.Context, sc *examScene, a *Application, hold time.Duration) error {
	at := sc.now.Add(hold)
	a.DeliverAt, a.DeliveredAt = &at, nil
	return enqueueDelivery(ctx, sc.tx, a, sc.now)
}

// enqueueDelivery has the sender bring what is due to a candidate, if there is
// anything and somebody to bring it to.
func enqueueDelivery(ctx context.Context, tx Tx, a *Application, now time.Time) error {
	if a.PersonID == 0 || a.ScanID == 0 || a.DeliverAt == nil || a.DeliveredAt != nil {
		return nil
	}
	n := DeliveryNotice{ApplicationID: a.ID, ScanID: a.ScanID}
	// A request without an answer may have brought it: a person decides.
	lost, err := tx.NoticeLost(ctx, a.PersonID, n.NoticeKey())
	if err != nil || lost {
		return err
	}
	at := *a.DeliverAt
	if at.Before(now) {
		at = now
	}
	if err := tx.Enqueue(ctx, a.PersonID, n, at); err != nil {
		return fmt.Errorf("deliver application %d: %w", a.ID, err)
	}
	return nil
}

// holdDelivery keeps the scan of an application, which is held, from going out until
// the transaction ends, and returns what it is too late for; see HoldDelivery.
func holdDelivery(ctx context.Context, tx Tx, a *Application) (NoticeState, error) {
	if a.PersonID == 0 || a.ScanID == 0 {
		return "", nil
	}
	state, err := tx.HoldDelivery(ctx, a.PersonID, DeliveryNotice{ApplicationID: a.ID, ScanID: a.ScanID}.NoticeKey())
	if err != nil {
		return "", fmt.Errorf("hold the delivery of application %d: %w", a.ID, err)
	}
	return state, nil
}

// notSending refuses what takes a scan away from its candidate while a sender has
// it: it has asked already whether the scan is due.
func notSending(ctx context.Context, tx Tx, a *Application) error {
	state, err := holdDelivery(ctx, tx, a)
	if err == nil && state == NoticeSending {
		err = refuse(Conflict, ReasonDeliverySending)
	}
	return err
}

// candidateLinkLife is how long a candidate's link can be used. A slip is handed
// out before the exam and is wanted again when the certificate is there: results,
// numbers and printing take weeks. It opens one application alone, and staff can
// end it. Source: the product's owner left the choice, half a year.
const candidateLinkLife = 180 * 24 * time.Hour

// Claims and answers to the question of a link that lead nowhere, of one Telegram
// user: after freeClaims each further one makes the next wait twice as long, up to
// maxClaimWait. Four digits and a birthday are guessed by thousands of tries, not by
// a few a week.
const (
	freeClaims   = 4 // the fifth is the last before the first wait
	minClaimWait = time.Hour
	maxClaimWait = 24 * time.Hour
)

// claimLife is how long a claim is kept after its last word: longer than any
// wait. What was said in it goes sooner, see claimTalk.
const claimLife = 7 * 24 * time.Hour

// claimTalk is how long what was said waits for the rest.
const claimTalk = 24 * time.Hour

// ClaimStep is what a claim awaits.
type ClaimStep string

// The steps.
const (
	ClaimIdle   ClaimStep = ""
	ClaimPhone  ClaimStep = "phone"  // the sender's own contact
	ClaimBorn   ClaimStep = "born"   // the day of birth
	ClaimDigits ClaimStep = "digits" // the last four digits of the identity document
	ClaimLink   ClaimStep = "link"   // the day of birth, of whoever has opened a candidate's link

	// ClaimLinkDigits follows ClaimLink where the day alone does not tell the
	// candidate from others of the center: as ClaimDigits.
	ClaimLinkDigits ClaimStep = "link_digits"
)

// Claim is what a Telegram user has said to find their applications, or the link
// that they have opened, and the language that they chose before they were anybody.
type Claim struct {
	TelegramID   int64 `bun:",pk"`
	Language     string
	Step         ClaimStep
	Phone        string // digits
	BornOn       Day    `bun:"type:date,nullzero"` // while ClaimLink is awaited: the day that was wrong last
	InvitationID int64  `bun:",nullzero"`          // the link that was opened; 0 for none
	Tries        int
	NextAt       time.Time // UTC; no answer is compared before
	UpdatedAt    time.Time // UTC
}

// OfLink tells whether an answer is awaited of whoever has opened a candidate's link.
func (c *Claim) OfLink() bool { return c.Step == ClaimLink || c.Step == ClaimLinkDigits }

// forget drops what was said; the count and the language stay.
func (c *Claim) forget() { c.Step, c.Phone, c.BornOn, c.InvitationID = ClaimIdle, "", Day{}, 0 }

// wrong counts one more claim that led nowhere.
func (c *Claim) wrong(now time.Time) {
	c.Tries++
	c.NextAt = now
	if over := c.Tries - freeClaims; over > 0 {
		c.NextAt = now.Add(min(minClaimWait<<min(over-1, 5), maxClaimWait))
	}
}

// slow refuses an answer that comes before the wait is over.
func (c *Claim) slow(now time.Time) error {
	return refuseWith(Invalid, ReasonCandidateSlow, int(math.Ceil(c.NextAt.Sub(now).Hours())))
}

// deliverAgain has the sender bring a person who can be reached again what they
// missed.
func deliverAgain(ctx context.Context, tx Tx, personID int64, now time.Time) error {
	list, err := tx.ApplicationsOf(ctx, personID, mostOwn)
	if err != nil {
		return fmt.Errorf("applications of person %d: %w", personID, err)
	}
	for i := range list {
		if err := enqueueDelivery(ctx, tx, &list[i], now); err != nil {
			return err
		}
	}
	return nil
}

// CandidateQueries asks about candidates.
type CandidateQueries interface {
	// ApplicationsOf lists the applications that are linked to a person, newest
	// first, at most limit.
	ApplicationsOf(ctx context.Context, personID int64, limit int) ([]Application, error)
	// Questioned returns the page that a person has still to decide on, or that is
	// read anew, and that seems to be an application's: the first, nil when there is
	// none. A copy of the page that became the scan, byte for byte, does not count.
	Questioned(ctx context.Context, applicationID int64) (*OpenQuestion, error)
	// CandidatesOf lists an exam's applications that a certificate may follow with
	// how their candidates can be reached, by name: not those who did not come,
	// failed, or broke the rules.
	CandidatesOf(ctx context.Context, examID int64) ([]CandidateReach, error)
	// BornShared reports whether an application of the same center, of whatever exam,
	// has the day of birth of this one and not its identity document.
	BornShared(ctx context.Context, applicationID int64) (bool, error)
	// Claim returns what a Telegram user has said, or NotFound.
	Claim(ctx context.Context, telegramID int64) (*Claim, error)
}

// CandidateCommands changes what is known of candidates.
type CandidateCommands interface {
	// ClaimForUpdate returns the claim of a Telegram user, empty at first, and
	// holds it until the transaction ends.
	ClaimForUpdate(ctx context.Context, telegramID int64, now time.Time) (*Claim, error)
	// SaveClaim writes it.
	SaveClaim(ctx context.Context, c *Claim) error
	// PruneClaims forgets at most limit claims that were not touched since a
	// moment and returns how many.
	PruneClaims(ctx context.Context, before time.Time, limit int) (int, error)
	// ApplicationsToClaim lists the applications of a telephone number and a day
	// of birth, at most limit.
	ApplicationsToClaim(ctx context.Context, phone string, born Day, limit int) ([]Application, error)
	// NoticeLost reports whether a notice of the key left for a person and got no
	// answer, and nobody has decided on it.
	NoticeLost(ctx context.Context, personID int64, key string) (bool, error)
	// AddDelivery inserts the delivery.
	AddDelivery(ctx context.Context, d *Delivery) error
}

// CandidateReach is an application as staff see whether its candidate gets word.
type CandidateReach struct {
	ApplicationID int64
	Number        string
	LastName      string
	FirstName     string
	MiddleName    string
	PersonID      int64 // 0: not linked
	Unreachable   bool  // linked, and their chat refuses messages
	Loaded        bool  // the scan is there
	Delivered     bool  // the present scan reached them
	Entitled      bool  // a certificate is due
	Handed        bool  // the paper was handed over
	ScanID        int64 // 0 while none is loaded
	DeliverAt     *time.Time
	Supported     bool         // readings of the machine support whose scan it is
	Question      OpenQuestion `bun:"embed:question_"` // see CandidateQueries.Questioned; zero for none
	Lost          bool         // a request left with the scan, no answer came: it may have arrived
	Failed        bool         // the scan could not be sent
	Withheld      bool         // the scan was recalled, or counts as not sent, and goes to nobody by itself
}

// OpenQuestion is a page that a person has still to decide on.
type OpenQuestion struct {
	PageID int64
	ExamID int64  // among whose questions it is
	Exam   string // number
}

// Name is the full name.
func (r *CandidateReach) Name() string { return joined(r.LastName, r.FirstName, r.MiddleName) }

// Candidates brings those who sit exams to the bot, and their certificates to
// them.
type Candidates struct {
	store   Store
	people  *People
	printer Printer
	files   FileStore
	random  io.Reader
	now     Clock
}

// NewCandidates returns the use cases over store. Random must be a source fit
// for secrets.
func NewCandidates(store Store, people *People, printer Printer, files FileStore, random io.Reader, now Clock) *Candidates {
	return &Candidates{store: store, people: people, printer: printer, files: files, random: random, now: now}
}

// asProgram lets the command line act on exams as the program itself: it has no
// seat in a center.
func asProgram(by Actor) Actor {
	if by.PersonID == 0 && by.Has(RoleAdmin) {
		return System
	}
	return by
}

// Invite makes a one-use link to an application and returns its token, which is
// nowhere kept. Staff of the exam's center may, and the command line. An
// application that is linked already is ReasonCandidateLinked. Of two calls with
// one update of the chat the second replaces the first one's link; 0 is none.
func (s *Candidates) Invite(ctx context.Context, by Actor, applicationID, updateID int64) (string, *Invitation, error) {
	token, err := newToken(s.random)
	if err != nil {
		return "", nil, err
	}
	var inv *Invitation
	err = inApplication(ctx, s.store, s.now, asProgram(by), applicationID, func(ctx context.Context, sc *examScene, a *Application) error {
		if a.PersonID != 0 {
			return refuse(Conflict, ReasonCandidateLinked)
		}
		inv = candidateLink(sc, a, token, updateID)
		renewed, err := sc.tx.RenewInvitation(ctx, inv)
		if err != nil || renewed {
			return err
		}
		if err := sc.tx.AddInvitations(ctx, []Invitation{*inv}); err != nil {
			return fmt.Errorf("add invitation: %w", err)
		}
		return sc.note(ctx, SubjectApplication, a.ID, "invited", "", "", "")
	})
	if err != nil {
		return "", nil, err
	}
	return token, inv, nil
}

// InviteByNumber is Invite by the application's number, for the command line.
func (s *Candidates) InviteByNumber(ctx context.Context, by Actor, number string) (string, error) {
	a, err := s.store.ApplicationByNumber(ctx, by, strings.TrimSpace(number))
	if err != nil {
		return "", fmt.Errorf("application by its number: %w", err)
	}
	token, _, err := s.Invite(ctx, by, a.ID, 0)
	return token, err
}

func candidateLink(sc *examScene, a *Application, token string, updateID int64) *Invitation {
	return &Invitation{
		TokenHash: hashToken(token), Role: RoleCandidate, ApplicationID: a.ID, Name: a.Name(),
		CreatedAt: sc.now, CreatedBy: sc.by.PersonID, ExpiresAt: sc.now.Add(candidateLinkLife), UpdateID: updateID,
	}
}

// SlipForm is everything that a sheet of slips says.
type SlipForm struct {
	Exam  string // its number
	Day   Day    // on which it is held
	Slips []Slip // in the order of the sheet
}

// Slip is one candidate's slip.
type Slip struct {
	Number    string // of the application
	Name      string
	NameLatin string // may be empty
	Link      string // drawn as a QR code
	Words     string // in the candidate's language; "" when that is Russian
}

// SlipsInput asks for the slips of an exam.
type SlipsInput struct {
	ExamID   int64
	UpdateID int64                                 // of the chat; the same one again replaces its links
	Link     func(token string) string             // the address that a token opens
	Words    func(language string) (string, error) // what a slip says in a language
}

// Slips draws the slips of an exam's applications that are linked to nobody, as
// a PDF for A4, and returns it with their number. Each holds a new one-use link;
// the PDF is nowhere kept, for its links are secrets. Staff of the exam's center
// may.
func (s *Candidates) Slips(ctx context.Context, by Actor, in SlipsInput) ([]byte, int, error) {
	form, slips, err := s.slipForm(ctx, by, in)
	if err != nil {
		return nil, 0, err
	}
	drawn, err := s.printer.Slips(ctx, *form)
	if err != nil {
		return nil, 0, fmt.Errorf("draw slips of exam %d: %w", in.ExamID, err)
	}
	err = inExam(ctx, s.store, s.now, by, in.ExamID, func(ctx context.Context, sc *examScene) error {
		if err := sc.tx.EndInvitationsOf(ctx, sc.by.PersonID, in.UpdateID, sc.now); err != nil {
			return fmt.Errorf("end the links of the same update: %w", err)
		}
		held, err := sc.tx.ApplicationsForUpdate(ctx, in.ExamID, nil)
		if err != nil {
			return fmt.Errorf("applications of exam %d: %w", in.ExamID, err)
		}
		var links []Invitation
		for i := range held {
			// Who was linked or changed meanwhile has a slip that leads nowhere.
			if s, drawn := slips[held[i].ID]; drawn && held[i].PersonID == 0 && held[i].Revision == s.revision {
				links = append(links, *candidateLink(sc, &held[i], s.token, in.UpdateID))
			}
		}
		if err := sc.tx.AddInvitations(ctx, links); err != nil {
			return fmt.Errorf("add links of exam %d: %w", in.ExamID, err)
		}
		return sc.note(ctx, SubjectExam, in.ExamID, "slips", "", "", strconv.Itoa(len(links)))
	})
	if err != nil {
		return nil, 0, err
	}
	return drawn, len(form.Slips), nil
}

// drawnSlip is what a slip was drawn for.
type drawnSlip struct {
	token    string
	revision int // of the application
}

// slipForm says what stands on the slips, and for which application each is.
func (s *Candidates) slipForm(ctx context.Context, by Actor, in SlipsInput) (*SlipForm, map[int64]drawnSlip, error) {
	e, err := s.store.Exam(ctx, by, in.ExamID)
	if err != nil {
		return nil, nil, fmt.Errorf("exam %d: %w", in.ExamID, err)
	}
	if err := isStaffOf(by, e.CenterID); err != nil {
		return nil, nil, err
	}
	list, err := s.store.Applications(ctx, e.ID)
	if err != nil {
		return nil, nil, fmt.Errorf("applications of exam %d: %w", e.ID, err)
	}
	form, slips := &SlipForm{Exam: e.Number, Day: e.HeldOn}, map[int64]drawnSlip{}
	for i := range list {
		a := &list[i]
		if a.PersonID != 0 {
			continue
		}
		token, err := newToken(s.random)
		if err != nil {
			return nil, nil, err
		}
		slips[a.ID] = drawnSlip{token, a.Revision}
		slip := Slip{Number: a.Number, Name: a.Name(), NameLatin: a.NameLatin(), Link: in.Link(token)}
		if l := LanguageOf(a.Language); l != "" && l != CandidateLanguages[0] {
			if slip.Words, err = in.Words(l); err != nil {
				return nil, nil, err
			}
		}
		form.Slips = append(form.Slips, slip)
	}
	if len(form.Slips) == 0 {
		return nil, nil, refuse(Conflict, ReasonCandidateAllLinked)
	}
	return form, slips, nil
}

// Unlink takes an application away from the person it is linked to: they see
// nothing of it any more, nor on the screen that stands in their chat, and whoever is linked next gets the scan anew, unless it
// was recalled: then a person decides. Staff of the exam's center may. Revision is
// that of the application as it was seen.
func (s *Candidates) Unlink(ctx context.Context, by Actor, applicationID int64, revision int) (*Person, error) {
	var who *Person
	err := inApplication(ctx, s.store, s.now, by, applicationID, func(ctx context.Context, sc *examScene, a *Application) error {
		if a.PersonID == 0 {
			return refuse(Conflict, ReasonCandidateNotLinked)
		}
		if a.Revision != revision {
			return refuseWith(Conflict, ReasonMovedOn, Moved{Subject: SubjectApplication, ID: a.ID})
		}
		err := notSending(ctx, sc.tx, a)
		if err != nil {
			return err
		}
		if who, err = sc.tx.Person(ctx, a.PersonID); err != nil {
			return fmt.Errorf("person %d: %w", a.PersonID, err)
		}
		if err := sc.tx.EndApplicationInvitations(ctx, []int64{a.ID}, sc.by.PersonID, sc.now); err != nil {
			return fmt.Errorf("end the links of application %d: %w", a.ID, err)
		}
		a.PersonID, a.LinkedAt, a.DeliveredAt = 0, nil, nil
		a.Revision++
		if err := sc.tx.SaveApplications(ctx, []Application{*a}); err != nil {
			return fmt.Errorf("application %d: %w", a.ID, err)
		}
		if err := sc.note(ctx, SubjectApplication, a.ID, stepUnlinked, "", "", ""); err != nil {
			return err
		}
		if err := sc.tx.Enqueue(ctx, who.ID, OwnNotice{}, time.Time{}); err != nil {
			return fmt.Errorf("renew the screen of person %d: %w", who.ID, err)
		}
		return s.unseat(ctx, sc, who.ID)
	})
	if err != nil {
		return nil, err
	}
	return who, nil
}

// unseat ends the seat of a candidate who has no application left.
func (s *Candidates) unseat(ctx context.Context, sc *examScene, personID int64) error {
	left, err := sc.tx.ApplicationsOf(ctx, personID, 1)
	if err != nil || len(left) > 0 {
		return err
	}
	m, err := sc.tx.MembershipOf(ctx, personID, Seat{Role: RoleCandidate})
	if err != nil {
		if AsError(err).Kind == NotFound {
			return nil
		}
		return fmt.Errorf("seat of person %d: %w", personID, err)
	}
	m.RemovedAt, m.RemovedBy = &sc.now, sc.by.PersonID
	if err := sc.tx.EndMembership(ctx, m); err != nil {
		return fmt.Errorf("seat of person %d: %w", personID, err)
	}
	return s.people.note(ctx, sc.tx, sc.by.PersonID, m, "removed", string(m.Role), "")
}

// link gives an application, whose exam and row are held, to a candidate. Every
// other link to it ends, and a scan that waits goes out.
func link(ctx context.Context, tx Tx, a *Application, p *Person, event string, now time.Time) error {
	a.PersonID, a.LinkedAt = p.ID, &now
	a.Revision++
	if err := tx.SaveApplications(ctx, []Application{*a}); err != nil {
		return fmt.Errorf("link application %d: %w", a.ID, err)
	}
	if err := tx.EndApplicationInvitations(ctx, []int64{a.ID}, 0, now); err != nil {
		return fmt.Errorf("end the links of application %d: %w", a.ID, err)
	}
	err := tx.AddHistory(ctx, History{Subject: SubjectApplication, SubjectID: a.ID, At: now, PersonID: p.ID, Event: event})
	if err != nil {
		return fmt.Errorf("history of application %d: %w", a.ID, err)
	}
	return enqueueDelivery(ctx, tx, a, now)
}

// holdApplication holds an application and its exam for what a candidate does.
func holdApplication(ctx context.Context, tx Tx, id int64) (*Application, error) {
	seen, err := tx.Application(ctx, System, id)
	if err != nil {
		return nil, fmt.Errorf("application %d: %w", id, err)
	}
	if _, err := tx.ExamForUpdate(ctx, System, seen.ExamID); err != nil {
		return nil, fmt.Errorf("exam %d: %w", seen.ExamID, err)
	}
	held, err := tx.ApplicationsForUpdate(ctx, seen.ExamID, []int64{id})
	if err != nil {
		return nil, fmt.Errorf("application %d: %w", id, err)
	}
	if len(held) == 0 {
		return nil, refuse(NotFound, ReasonNotFound)
	}
	return &held[0], nil
}

// candidateLanguage is the language of somebody who becomes a candidate: what
// they chose, else that of the application, else that of their Telegram.
func candidateLanguage(chosen, sheet, telegram string) string {
	for _, tag := range []string{chosen, sheet, telegram} {
		if l := LanguageOf(tag); l != "" {
			return l
		}
	}
	return CandidateLanguages[0]
}

// Claim returns what a Telegram user has said; nothing is an empty claim, and so
// is what waited too long for the rest.
func (s *Candidates) Claim(ctx context.Context, telegramID int64) (*Claim, error) {
	c, err := s.store.Claim(ctx, telegramID)
	if err != nil {
		if AsError(err).Kind == NotFound {
			return &Claim{TelegramID: telegramID}, nil
		}
		return nil, fmt.Errorf("claim: %w", err)
	}
	if s.now().Sub(c.UpdatedAt) > claimTalk {
		c.forget()
	}
	return c, nil
}

// claim changes the claim of a Telegram user.
func (s *Candidates) claim(ctx context.Context, telegramID int64, change func(ctx context.Context, tx Tx, c *Claim, now time.Time) error) error {
	return s.store.InTx(ctx, func(ctx context.Context, tx Tx) error {
		now := s.now().UTC()
		c, err := tx.ClaimForUpdate(ctx, telegramID, now)
		if err != nil {
			return fmt.Errorf("hold claim: %w", err)
		}
		if now.Sub(c.UpdatedAt) > claimTalk {
			c.forget()
		}
		if err := change(ctx, tx, c, now); err != nil {
			return err
		}
		c.UpdatedAt = now
		if err := tx.SaveClaim(ctx, c); err != nil {
			return fmt.Errorf("save claim: %w", err)
		}
		return nil
	})
}

// LanguageOf returns the language of a Telegram user who has had a seat, "" for who
// never had one.
func (s *Candidates) LanguageOf(ctx context.Context, telegramID int64) (string, error) {
	p, err := s.store.PersonByTelegram(ctx, telegramID)
	if err != nil {
		if AsError(err).Kind == NotFound {
			return "", nil
		}
		return "", fmt.Errorf("who was here: %w", err)
	}
	return p.Language, nil
}

// ChooseLanguage keeps the language of somebody who is nobody yet.
func (s *Candidates) ChooseLanguage(ctx context.Context, telegramID int64, language string) error {
	if !slices.Contains(CandidateLanguages, language) {
		return refuse(Invalid, ReasonLanguageUnknown)
	}
	return s.claim(ctx, telegramID, func(_ context.Context, _ Tx, c *Claim, _ time.Time) error {
		c.Language = language
		return nil
	})
}

// BeginClaim awaits the contact of a Telegram user who looks for their
// applications.
func (s *Candidates) BeginClaim(ctx context.Context, telegramID int64) error {
	return s.claim(ctx, telegramID, func(_ context.Context, _ Tx, c *Claim, _ time.Time) error {
		c.forget()
		c.Step = ClaimPhone
		return nil
	})
}

// CancelClaim forgets what was said. A Telegram user who has said nothing gets
// no row.
func (s *Candidates) CancelClaim(ctx context.Context, telegramID int64) error {
	c, err := s.Claim(ctx, telegramID)
	if err != nil || c.Step == ClaimIdle {
		return err
	}
	return s.claim(ctx, telegramID, func(_ context.Context, _ Tx, c *Claim, _ time.Time) error {
		c.forget()
		return nil
	})
}

// ClaimContact is a contact that somebody has sent.
type ClaimContact struct {
	TelegramID int64 // who sends
	OwnerID    int64 // whose contact it is, as the messenger says; 0 when it does not know
	Phone      string
}

// ClaimPhone takes the sender's own contact and awaits the day of birth. The
// messenger vouches for its number and gives it with the country's code, with or
// without a plus; a contact of anybody else is ReasonCandidateContact.
func (s *Candidates) ClaimPhone(ctx context.Context, in ClaimContact) error {
	phone, err := phoneDigits("+" + strings.TrimPrefix(in.Phone, "+"))
	if in.OwnerID != in.TelegramID || err != nil {
		return refuse(Invalid, ReasonCandidateContact)
	}
	return s.claim(ctx, in.TelegramID, func(_ context.Context, _ Tx, c *Claim, _ time.Time) error {
		c.forget()
		c.Step, c.Phone = ClaimBorn, phone
		return nil
	})
}

func onlyDigits(s string) string {
	return strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, s)
}

// ReadBorn reads a day of birth as people of many countries write it: day, month and
// year with anything between them that is no letter, or the year first. It is an
// error where there are not these three numbers and nothing else.
func ReadBorn(text string) (Day, error) {
	const marks = "年月日" // of year, month and day
	if strings.ContainsFunc(text, func(r rune) bool { return unicode.IsLetter(r) && !strings.ContainsRune(marks, r) }) {
		return Day{}, errors.New("read a day of birth: there are letters")
	}
	n := strings.FieldsFunc(text, func(r rune) bool { return r < '0' || r > '9' })
	if len(n) != 3 {
		return Day{}, fmt.Errorf("read a day of birth: %d numbers", len(n))
	}
	if len(n[0]) == 4 {
		slices.Reverse(n)
	}
	return ParseDay(fmt.Sprintf("%02s.%02s.%s", n[0], n[1], n[2]))
}

// readBorn is ReadBorn of a day on which somebody can be born, or
// ReasonCandidateBorn.
func readBorn(text string, now time.Time) (Day, error) {
	day, err := ReadBorn(text)
	if err != nil || day.Year < 1900 || day.After(DayOf(now, time.UTC)) {
		return Day{}, refuse(Invalid, ReasonCandidateBorn)
	}
	return day, nil
}

// ClaimBorn takes the day of birth and awaits the digits of the document.
func (s *Candidates) ClaimBorn(ctx context.Context, telegramID int64, text string) error {
	day, err := readBorn(text, s.now())
	if err != nil {
		return err
	}
	return s.claim(ctx, telegramID, func(_ context.Context, _ Tx, c *Claim, _ time.Time) error {
		if c.Phone == "" { // it has waited too long
			c.Step = ClaimPhone
			return nil
		}
		c.BornOn, c.Step = day, ClaimDigits
		return nil
	})
}

// documentDigits is how many last digits of an identity document are asked for.
const documentDigits = 4

// ReadDigits reads the last digits of an identity document, or is
// ReasonCandidateDigits.
func ReadDigits(text string) (string, error) {
	digits := strings.TrimSpace(text)
	if len(digits) != documentDigits || onlyDigits(digits) != digits {
		return "", refuse(Invalid, ReasonCandidateDigits)
	}
	return digits, nil
}

// documentEnds tells whether these are the last digits of the candidate's identity
// document.
func (a *Application) documentEnds(digits string) bool {
	return strings.HasSuffix(onlyDigits(a.IdentityDocument), digits)
}

// ClaimInput is the end of a claim.
type ClaimInput struct {
	TelegramID int64
	Language   string // of their Telegram
	Digits     string // the last ones of the identity document
}

// Claimed is what a claim led to.
type Claimed struct {
	Actor Actor // with the seat of a candidate
	New   bool  // at least one application was linked that was not before
}

// mostClaimed bounds the applications that one claim links: years of exams of
// one person.
const mostClaimed = 20

// ClaimDigits links every application that agrees with the contact's number, the
// day of birth and the last digits of the document, and belongs to nobody else.
// Where none does it is ReasonCandidateNoMatch whatever differs, and the day of
// birth is awaited again; after a few of these ReasonCandidateSlow for a while.
func (s *Candidates) ClaimDigits(ctx context.Context, in ClaimInput) (*Claimed, error) {
	digits, err := ReadDigits(in.Digits)
	if err != nil {
		return nil, err
	}
	var out *Claimed
	var refused error // the count must be committed, so it is no error inside
	err = s.claim(ctx, in.TelegramID, func(ctx context.Context, tx Tx, c *Claim, now time.Time) error {
		out, refused = nil, nil
		if c.Phone == "" || c.BornOn.IsZero() { // it has waited too long
			c.Step = ClaimPhone
			refused = refuse(Invalid, ReasonCandidateNoMatch)
			return nil
		}
		if now.Before(c.NextAt) {
			refused = c.slow(now)
			return nil
		}
		found, err := s.claimable(ctx, tx, in, c, digits)
		if err != nil {
			return err
		}
		if len(found) == 0 {
			c.wrong(now)
			c.Step, c.BornOn = ClaimBorn, Day{}
			refused = refuse(Invalid, ReasonCandidateNoMatch)
			return nil
		}
		if out, err = s.take(ctx, tx, in, c, found, now); err != nil {
			return err
		}
		c.forget()
		if out.New { // whoever finds their own once more would have new tries at another's link
			c.Tries, c.NextAt = 0, now
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, refused
}

// claimable holds the applications that agree with a claim and belong to nobody
// or to the claimer, in the order of their exams.
func (s *Candidates) claimable(ctx context.Context, tx Tx, in ClaimInput, c *Claim, digits string) ([]Application, error) {
	list, err := tx.ApplicationsToClaim(ctx, c.Phone, c.BornOn, mostClaimed)
	if err != nil {
		return nil, fmt.Errorf("applications to claim: %w", err)
	}
	var own int64
	p, err := tx.PersonByTelegram(ctx, in.TelegramID)
	switch {
	case err == nil:
		own = p.ID
	case AsError(err).Kind != NotFound:
		return nil, fmt.Errorf("who claims: %w", err)
	}
	slices.SortFunc(list, func(a, b Application) int { return int(a.ExamID - b.ExamID) })
	var out []Application
	for i := range list {
		if !list[i].documentEnds(digits) {
			continue
		}
		a, err := holdApplication(ctx, tx, list[i].ID)
		if err != nil {
			return nil, err
		}
		// Everything once more: it could change before it was held.
		agrees := a.Phone == c.Phone && a.BornOn == c.BornOn && a.documentEnds(digits)
		if agrees && (a.PersonID == 0 || a.PersonID == own) {
			out = append(out, *a)
		}
	}
	return out, nil
}

// take links what was claimed.
func (s *Candidates) take(ctx context.Context, tx Tx, in ClaimInput, c *Claim, found []Application, now time.Time) (*Claimed, error) {
	p, err := s.people.seatCandidate(ctx, tx, seatCandidate{
		telegramID: in.TelegramID, name: found[0].Name(), language: candidateLanguage(c.Language, found[0].Language, in.Language),
		chosen: c.Language != "", now: now,
	})
	if err != nil {
		return nil, err
	}
	out := &Claimed{}
	for i := range found {
		if found[i].PersonID == p.ID {
			continue
		}
		out.New = true
		if err := link(ctx, tx, &found[i], p, stepByPhone, now); err != nil {
			return nil, err
		}
	}
	if out.Actor, err = tx.ActorByID(ctx, p.ID); err != nil {
		return nil, fmt.Errorf("person %d: %w", p.ID, err)
	}
	return out, nil
}

// PruneClaims forgets the claims that nobody has touched for a week and returns
// how many.
func (s *Candidates) PruneClaims(ctx context.Context) (int, error) {
	n, err := prune(ctx, s.now().Add(-claimLife), func(ctx context.Context, before time.Time, limit int) (n int, err error) {
		err = s.store.InTx(ctx, func(ctx context.Context, tx Tx) error {
			n, err = tx.PruneClaims(ctx, before, limit)
			return err
		})
		return n, err
	})
	if err != nil {
		return n, fmt.Errorf("prune claims: %w", err)
	}
	return n, nil
}

// CandidateView is one of a candidate's own applications with what they are told
// of it.
type CandidateView struct {
	Application Application
	Exam        string // its number
	HeldOn      Day
	Center      string // its name
	// Status is that of the application; while the protocol can still change it,
	// the result is awaited.
	Status ApplicationStatus
	Ready  bool // the scan can be had now
}

// mostOwn bounds the applications that a candidate is shown, the newest ones.
const mostOwn = 10

// Mine lists the applications that are linked to the actor, newest first.
func (s *Candidates) Mine(ctx context.Context, by Actor) ([]CandidateView, error) {
	if !by.Has(RoleCandidate) {
		return nil, refuse(Forbidden, ReasonForbidden)
	}
	list, err := s.store.ApplicationsOf(ctx, by.PersonID, mostOwn)
	if err != nil {
		return nil, fmt.Errorf("applications of person %d: %w", by.PersonID, err)
	}
	out := make([]CandidateView, 0, len(list))
	for i := range list {
		v, err := s.view(ctx, &list[i])
		if err != nil {
			return nil, err
		}
		out = append(out, *v)
	}
	return out, nil
}

func (s *Candidates) view(ctx context.Context, a *Application) (*CandidateView, error) {
	e, err := s.store.Exam(ctx, System, a.ExamID)
	if err != nil {
		return nil, fmt.Errorf("exam %d: %w", a.ExamID, err)
	}
	org, err := s.store.Org(ctx, e.CenterID)
	if err != nil {
		return nil, fmt.Errorf("organisation %d: %w", e.CenterID, err)
	}
	question, err := questionAbout(ctx, s.store, a)
	if err != nil {
		return nil, err
	}
	v := &CandidateView{
		Application: *a, Exam: e.Number, HeldOn: e.HeldOn, Center: org.Name,
		Status: ApplicationAwaitingResult, Ready: e.PausedAt == nil && deliverable(a, s.now()) && question == nil,
	}
	if e.ProtocolStatus == ProtocolApproved || a.Frozen() {
		v.Status = a.Status()
	}
	return v, nil
}

// deliverable tells whether a candidate may have the scan of an application: it
// is loaded, still due to them, and its hold is over.
func deliverable(a *Application, now time.Time) bool {
	return a.PersonID != 0 && a.ScanID != 0 && a.Entitled() && a.DeliverAt != nil && !now.Before(*a.DeliverAt)
}

// questionAbout is the page in question that may show that the scan of an
// application, which nobody has yet, is another's; nil for none.
func questionAbout(ctx context.Context, q Queries, a *Application) (*OpenQuestion, error) {
	if a.ScanID == 0 || a.DeliveredAt != nil {
		return nil, nil //nolint:nilnil // nothing is withheld, which is no error
	}
	out, err := q.Questioned(ctx, a.ID)
	if err != nil {
		return nil, fmt.Errorf("questions about application %d: %w", a.ID, err)
	}
	return out, nil
}

// CandidateScan is a scan on its way to its candidate.
type CandidateScan struct {
	CandidateView
	ScanID    int64
	SHA       string // of the file
	Ending    string // of the name of the file, with the dot
	Size      int64  // bytes
	Corrected bool   // they have had another scan of this certificate
}

// own returns an application of the actor, NotFound for anybody else's.
func (s *Candidates) own(ctx context.Context, by Actor, applicationID int64) (*Application, error) {
	if !by.Has(RoleCandidate) {
		return nil, refuse(NotFound, ReasonNotFound)
	}
	a, err := s.store.Application(ctx, System, applicationID)
	if err != nil {
		return nil, fmt.Errorf("application %d: %w", applicationID, err)
	}
	if a.PersonID == 0 || a.PersonID != by.PersonID {
		return nil, refuse(NotFound, ReasonNotFound)
	}
	return a, nil
}

// Scan returns the scan of one of the actor's own applications. One that is not
// theirs is NotFound, one that is not there yet, or is held, ReasonCandidateNoScan.
func (s *Candidates) Scan(ctx context.Context, by Actor, applicationID int64) (*CandidateScan, error) {
	a, err := s.own(ctx, by, applicationID)
	if err != nil {
		return nil, err
	}
	v, err := s.view(ctx, a)
	if err != nil {
		return nil, err
	}
	if !v.Ready {
		return nil, refuse(Conflict, ReasonCandidateNoScan)
	}
	scan, err := s.store.Scan(ctx, a.ScanID)
	if err != nil {
		return nil, fmt.Errorf("scan %d: %w", a.ScanID, err)
	}
	f, err := s.store.File(ctx, scan.CleanSHA)
	if err != nil {
		return nil, fmt.Errorf("file of scan %d: %w", a.ScanID, err)
	}
	before, err := s.store.DeliveriesOf(ctx, a.ID, mostDeliveries)
	if err != nil {
		return nil, fmt.Errorf("deliveries of application %d: %w", a.ID, err)
	}
	return &CandidateScan{
		CandidateView: *v, ScanID: scan.ID, SHA: scan.CleanSHA, Ending: endingOf(f.Type), Size: f.Size,
		Corrected: slices.ContainsFunc(before, func(d Delivery) bool { return d.PersonID == by.PersonID && d.ScanID != scan.ID }),
	}, nil
}

// Open reads the file of a scan.
func (s *Candidates) Open(ctx context.Context, sha string) (io.ReadSeekCloser, error) {
	return s.files.Open(ctx, sha)
}

// questionPause is how long a delivery waits before it is asked again whether the
// question that contradicts it was answered.
const questionPause = 5 * time.Minute

// Due asks at the moment of sending whether a delivery still holds: the scan is
// the application's present one, the certificate is still due, the application is
// still theirs, the hold is over, nobody has paused the exam, they do not have it
// yet, no page in question contradicts it, and no earlier request was lost, which
// may have brought it: this one can have been queued while that was on its way. It
// is nil where anything of that is not so; a hold that was made longer is queued
// anew, and so are what a question contradicts, which is tried again until that is
// answered, and everything when a pause ends.
func (s *Candidates) Due(ctx context.Context, to Actor, n DeliveryNotice) (*CandidateScan, error) {
	a, err := s.own(ctx, to, n.ApplicationID)
	if err != nil {
		if AsError(err).Kind == NotFound {
			return nil, nil //nolint:nilnil // nothing is due, which is no error
		}
		return nil, err
	}
	switch {
	case a.ScanID != n.ScanID || !a.Entitled() || a.DeliverAt == nil || a.DeliveredAt != nil:
		return nil, nil //nolint:nilnil // the same
	case s.now().Before(*a.DeliverAt):
		return nil, s.Later(ctx, to, []DeliveryNotice{n})
	}
	e, err := s.store.Exam(ctx, System, a.ExamID)
	if err != nil {
		return nil, fmt.Errorf("exam %d: %w", a.ExamID, err)
	}
	if e.PausedAt != nil {
		return nil, nil //nolint:nilnil // the same
	}
	question, err := questionAbout(ctx, s.store, a)
	if err != nil {
		return nil, err
	}
	if question != nil {
		return nil, s.store.InTx(ctx, func(ctx context.Context, tx Tx) error {
			return tx.Enqueue(ctx, to.PersonID, n, s.now().Add(questionPause))
		})
	}
	lost := false
	err = s.store.InTx(ctx, func(ctx context.Context, tx Tx) error {
		lost, err = tx.NoticeLost(ctx, to.PersonID, n.NoticeKey())
		return err
	})
	if err != nil || lost {
		return nil, err
	}
	out, err := s.Scan(ctx, to, n.ApplicationID)
	if r := ReasonOf(err); r == ReasonCandidateNoScan || r == ReasonNotFound || err == nil && out.ScanID != n.ScanID {
		return nil, nil //nolint:nilnil // it has changed since the first question
	}
	return out, err
}

// Later queues deliveries anew: each goes out as a message of its own, so that it
// is known of each whether it arrived.
func (s *Candidates) Later(ctx context.Context, to Actor, list []DeliveryNotice) error {
	return s.store.InTx(ctx, func(ctx context.Context, tx Tx) error {
		for _, n := range list {
			a, err := tx.Application(ctx, System, n.ApplicationID)
			if err != nil {
				return fmt.Errorf("application %d: %w", n.ApplicationID, err)
			}
			if a.PersonID != to.PersonID || a.ScanID != n.ScanID {
				continue
			}
			if err := enqueueDelivery(ctx, tx, a, s.now()); err != nil {
				return err
			}
		}
		return nil
	})
}

// Delivered notes that the chat has confirmed a scan.
func (s *Candidates) Delivered(ctx context.Context, to Actor, n DeliveryNotice, messageID int64) error {
	return s.store.InTx(ctx, func(ctx context.Context, tx Tx) error {
		a, err := holdApplication(ctx, tx, n.ApplicationID)
		if err != nil {
			return err
		}
		now := s.now().UTC()
		d := &Delivery{ApplicationID: a.ID, ScanID: n.ScanID, PersonID: to.PersonID, MessageID: messageID, SentAt: now}
		if err := tx.AddDelivery(ctx, d); err != nil {
			return fmt.Errorf("delivery of application %d: %w", a.ID, err)
		}
		err = tx.AddHistory(ctx, History{Subject: SubjectApplication, SubjectID: a.ID, At: now, PersonID: to.PersonID, Event: "delivered"})
		if err != nil {
			return fmt.Errorf("history of application %d: %w", a.ID, err)
		}
		if err := renew(ctx, tx, ApplicationNotice{ApplicationID: a.ID}, time.Time{}); err != nil {
			return err
		}
		if a.ScanID != n.ScanID || a.PersonID != to.PersonID || a.DeliveredAt != nil {
			return nil // it has moved on meanwhile, or was had before
		}
		a.DeliveredAt = &now
		if err := tx.SaveApplications(ctx, []Application{*a}); err != nil {
			return fmt.Errorf("application %d: %w", a.ID, err)
		}
		return nil
	})
}

// ReachView is how many of an exam's candidates get their certificates in chat,
// and who has to be handed the paper otherwise.
type ReachView struct {
	Exam        Exam
	PausedBy    string // who has paused its deliveries, "" when nobody has
	Total       int    // applications that a certificate may follow
	Delivered   int
	Waiting     int              // of the others: reachable, their scan did not arrive or is not there yet
	Unlinked    int              // of the others
	Unreachable int              // of the others
	Unconfirmed int              // of the others: their scan may have arrived, could not be sent or is withheld
	Rest        []CandidateReach // all these but who was handed the paper: what people must decide on, who gets a loaded scan on paper, whose scan is missing, who waits; each by name
	Give        GivePlan         // what «Выдать сейчас» would do
	Staff       bool             // the reader works in the center
}

// Reach tells how the candidates of an exam can be reached, for whoever may see
// the exam.
func (s *Candidates) Reach(ctx context.Context, by Actor, examID int64) (*ReachView, error) {
	e, err := s.store.Exam(ctx, by, examID)
	if err != nil {
		return nil, fmt.Errorf("exam %d: %w", examID, err)
	}
	list, err := s.store.CandidatesOf(ctx, examID)
	if err != nil {
		return nil, fmt.Errorf("candidates of exam %d: %w", examID, err)
	}
	org, err := s.store.Org(ctx, e.CenterID)
	if err != nil {
		return nil, fmt.Errorf("organisation %d: %w", e.CenterID, err)
	}
	v := &ReachView{Exam: *e, Total: len(list), Staff: isStaffOf(by, e.CenterID) == nil}
	if e.PausedBy != 0 {
		p, err := s.store.Person(ctx, e.PausedBy)
		if err != nil {
			return nil, fmt.Errorf("person %d: %w", e.PausedBy, err)
		}
		v.PausedBy = p.Name
	}
	var decide, paper, missing, waiting []CandidateReach
	v.Give.now, v.Give.Zone = s.now().UTC(), org.Zone
	for _, r := range list {
		v.Give.add(&r)
		switch {
		case r.Delivered:
			v.Delivered++
		case r.PersonID == 0:
			v.Unlinked++
			if r.Loaded {
				paper = append(paper, r)
			} else {
				missing = append(missing, r)
			}
		case r.Lost || r.Failed && !r.Unreachable || r.Withheld:
			v.Unconfirmed++
			decide = append(decide, r)
		case r.Unreachable:
			v.Unreachable++
			if r.Loaded {
				paper = append(paper, r)
			} else {
				missing = append(missing, r)
			}
		default:
			v.Waiting++
			waiting = append(waiting, r)
		}
	}
	v.Rest = slices.DeleteFunc(slices.Concat(decide, paper, missing, waiting), func(r CandidateReach) bool { return r.Handed })
	return v, nil
}
