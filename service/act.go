package service

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf16"

	"flowbot/service/fsm"
)

// Act is the document of services rendered for some learners of a cohort. With
// the cohort's journal and its screenshots it is a package, which the operator
// approves or rejects as one.
type Act struct {
	ID             int64  `bun:",pk,autoincrement"`
	Number         string // cohort number, slash, ordinal: 118/1
	CohortID       int64
	PartnerID      int64      // of the cohort
	Status         ActStatus  // see actTable
	Version        int        // of the document, +1 when it is regenerated
	Revision       int        // of the row, +1 on every move; guards against stale buttons
	JournalVersion int        `bun:",nullzero"` // the version it was sent with; 0 before
	ReviewerID     int64      `bun:",nullzero"` // who has taken it; 0 when free
	TakenAt        *time.Time // UTC; set together with ReviewerID
	DueOn          Day        `bun:"type:date,nullzero"` // deadline of whoever must act; zero when nobody must
	Comment        string     // of the last rejection, or why it was cancelled
	GeneratedBy    int64      // person
	CreatedAt      time.Time  // UTC
	UpdatedAt      time.Time  // UTC
	SubmittedAt    *time.Time // UTC; of the last sending to approval
}

// ActStatus is a state of actTable.
type ActStatus string

// ActEvent is an event of actTable.
type ActEvent string

// The states, in the order of an act's life.
const (
	ActAwaitingJournal ActStatus = "awaiting_journal"
	ActInApproval      ActStatus = "in_approval"
	ActRejected        ActStatus = "rejected"
	ActApproved        ActStatus = "approved"
	ActCancelled       ActStatus = "cancelled"
)

// The events, named for what a person does; ActFall and ActExpire follow from
// the deed of another and from the clock.
const (
	ActSubmit     ActEvent = "submit"     // the cohort's first journal, or the next one, is sent
	ActResend     ActEvent = "resend"     // sent with the journal that already stands
	ActReplace    ActEvent = "replace"    // a newer journal takes the place of the one sent
	ActRegenerate ActEvent = "regenerate" // next version of the document
	ActCancel     ActEvent = "cancel"
	ActTake       ActEvent = "take"
	ActRelease    ActEvent = "release"
	ActExpire     ActEvent = "expire" // taken for longer than reviewLimit
	ActApprove    ActEvent = "approve"
	ActReject     ActEvent = "reject"
	ActFall       ActEvent = "fall" // the journal it was sent with was rejected with another act
)

// actGenerated is the first event of an act's history. It is no move: before it
// there is no act.
const actGenerated = "generate"

const (
	// reviewLimit is how long a reviewer may hold an act. Source: the domain,
	// section 2.
	reviewLimit = 24 * time.Hour
	// operatorDays and partnerDays are the working days to check a package from
	// its submission, and to mend it from its rejection. Source: the domain,
	// section 2.
	operatorDays = 15
	partnerDays  = 3
	// maxComment is the longest comment of a rejection or a cancellation, in
	// UTF-16 units, as the chat counts: with the card around it, it fits one
	// message of 4096.
	maxComment = 2000
	// tellLimit is how many people of one organisation are told of one event.
	tellLimit = 1000
)

// The refusals about acts.
const (
	ReasonNotEnded        Reason = "act.not_ended"        // Data: *Cohort
	ReasonNoLearners      Reason = "act.no_learners"      // nobody chosen, or nobody eligible
	ReasonNotEligible     Reason = "act.not_eligible"     // Data: the learners' names
	ReasonCommentRequired Reason = "act.comment_required" //
	ReasonCommentTooLong  Reason = "act.comment_too_long" // Data: the limit
	ReasonTaken           Reason = "act.taken"            // Data: Holder
	ReasonNotTaken        Reason = "act.not_taken"        // deciding needs taking first
	ReasonOwnUpload       Reason = "act.own_upload"       //
	ReasonNoJournal       Reason = "act.no_journal"       // there is no journal that stands
)

// Moved tells what happened to a thing since the person saw it.
type Moved struct {
	Subject string // of History
	ID      int64
	Event   string    // the last one, "" when nothing is known
	By      string    // name, "" for the clock
	At      time.Time // UTC
	Zone    string    // in which the reader reads it
}

// Holder tells who has taken an act.
type Holder struct {
	PersonID int64
	Name     string
	At       time.Time // UTC
	Zone     string    // in which the reader reads it
}

// actMove is what a guard of actTable looks at.
type actMove struct {
	by      Actor
	act     *Act
	cohort  *Cohort
	newest  *Journal // newest version of the cohort's journal, nil before the first
	sent    *Journal // the version that the act was sent with, nil before
	holder  *Holder  // somebody who holds this act or, if none, another act of the cohort
	today   Day      // in the partner's zone
	comment string
}

// actTable is the life of an act: from, event, to, who, when.
var actTable = fsm.MustTable(ActAwaitingJournal,
	fsm.Row(ActAwaitingJournal, ActSubmit, ActInApproval, isPartner, cohortEnded, cohortFree),
	fsm.Row(ActAwaitingJournal, ActResend, ActInApproval, all(isPartner, journalStands), cohortEnded),
	fsm.Row(ActAwaitingJournal, ActRegenerate, ActAwaitingJournal, isPartner, cohortEnded),
	fsm.Row(ActAwaitingJournal, ActCancel, ActCancelled, isPartner, saysWhy),
	fsm.Row(ActInApproval, ActReplace, ActInApproval, all(isPartner, cohortFree), cohortEnded),
	fsm.Row(ActInApproval, ActRegenerate, ActInApproval, all(isPartner, actFree), cohortEnded),
	fsm.Row(ActInApproval, ActCancel, ActCancelled, all(isPartner, actFree), saysWhy),
	fsm.Row(ActInApproval, ActTake, ActInApproval, all(isOperator, actFree), notOwnUpload),
	fsm.Row(ActInApproval, ActApprove, ActApproved, holdsReview, notOwnUpload),
	fsm.Row(ActInApproval, ActReject, ActRejected, holdsReview, notOwnUpload, saysWhy),
	fsm.Row(ActInApproval, ActRelease, ActInApproval, holdsReview),
	fsm.Row(ActInApproval, ActExpire, ActInApproval, bySystem),
	fsm.Row(ActInApproval, ActFall, ActRejected, bySystem, saysWhy),
	fsm.Row(ActRejected, ActReplace, ActInApproval, isPartner, cohortEnded, cohortFree),
	fsm.Row(ActRejected, ActRegenerate, ActRejected, isPartner, cohortEnded),
	fsm.Row(ActRejected, ActCancel, ActCancelled, isPartner, saysWhy),
)

// all agrees when every guard does, and refuses as the first that does not.
func all(guards ...fsm.Guard[actMove]) fsm.Guard[actMove] {
	return func(m actMove) error {
		for _, g := range guards {
			if err := g(m); err != nil {
				return err
			}
		}
		return nil
	}
}

func isPartner(m actMove) error {
	if !m.by.In(RolePartnerRep, m.cohort.PartnerID) {
		return refuse(Forbidden, ReasonForbidden)
	}
	return nil
}

func isOperator(m actMove) error {
	if !m.by.Has(RoleOperatorRep) {
		return refuse(Forbidden, ReasonForbidden)
	}
	return nil
}

func bySystem(m actMove) error {
	if !m.by.IsSystem() {
		return refuse(Forbidden, ReasonForbidden)
	}
	return nil
}

func cohortEnded(m actMove) error {
	if !m.cohort.Ended(m.today) {
		return refuseWith(Invalid, ReasonNotEnded, m.cohort)
	}
	return nil
}

func journalStands(m actMove) error {
	if m.newest == nil || m.newest.RejectedAt != nil {
		return refuse(Conflict, ReasonNoJournal)
	}
	return nil
}

func actFree(m actMove) error {
	if m.act.ReviewerID != 0 {
		return refuseWith(Conflict, ReasonTaken, *m.holder)
	}
	return nil
}

func cohortFree(m actMove) error {
	if m.holder != nil {
		return refuseWith(Conflict, ReasonTaken, *m.holder)
	}
	return nil
}

func holdsReview(m actMove) error {
	switch {
	case !m.by.Has(RoleOperatorRep):
		return refuse(Forbidden, ReasonForbidden)
	case m.act.ReviewerID == 0:
		return refuse(Conflict, ReasonNotTaken)
	case m.act.ReviewerID != m.by.PersonID:
		return refuseWith(Conflict, ReasonTaken, *m.holder)
	}
	return nil
}

func notOwnUpload(m actMove) error {
	if m.sent != nil && m.sent.UploadedBy == m.by.PersonID {
		return refuse(Forbidden, ReasonOwnUpload)
	}
	return nil
}

func saysWhy(m actMove) error {
	if !strings.ContainsFunc(m.comment, func(r rune) bool { return unicode.IsGraphic(r) && !unicode.IsSpace(r) }) {
		return refuse(Invalid, ReasonCommentRequired)
	}
	if len(utf16.Encode([]rune(m.comment))) > maxComment {
		return refuseWith(Invalid, ReasonCommentTooLong, maxComment)
	}
	return nil
}

// ActVersion is one generated document of an act.
type ActVersion struct {
	ActID       int64           `bun:",pk"`
	Version     int             `bun:",pk"`
	Form        json.RawMessage `bun:"type:jsonb"` // ActForm, as it was when generated
	FileSHA     string          `bun:",nullzero"`  // the PDF; "" until a worker has printed it
	GeneratedBy int64
	GeneratedAt time.Time // UTC
}

// ActQueries asks about acts and journals.
type ActQueries interface {
	// Act returns the act if the actor may see it (a representative of its
	// partner, of the operator, an admin), else NotFound.
	Act(ctx context.Context, by Actor, id int64) (*Act, error)
	// ActByNumber is Act by its number.
	ActByNumber(ctx context.Context, by Actor, number string) (*Act, error)
	// ActsOfCohort lists every act of a cohort, in the order of their numbers.
	ActsOfCohort(ctx context.Context, cohortID int64) ([]Act, error)
	// ActVersion returns one document of an act, or NotFound.
	ActVersion(ctx context.Context, actID int64, version int) (*ActVersion, error)
	// Journal returns a version of a cohort's journal, or NotFound.
	Journal(ctx context.Context, cohortID int64, version int) (*Journal, error)
	// Journals lists every version of a cohort's journal, oldest first.
	Journals(ctx context.Context, cohortID int64) ([]Journal, error)
	// JournalFiles lists the journal and then the screenshots of one version, in
	// their order.
	JournalFiles(ctx context.Context, journalID int64) ([]JournalFile, error)
	// ExpiredReviews lists the ids of acts taken before the moment, or held by
	// somebody who represents the operator no more, at most limit.
	ExpiredReviews(ctx context.Context, takenBefore time.Time, limit int) ([]int64, error)
	// DraftFiles lists what a person has sent for a cohort and not removed,
	// oldest first. Cohort 0 lists what nobody has said the purpose of.
	DraftFiles(ctx context.Context, personID, cohortID int64) ([]DraftFile, error)
	// DraftFile returns one of them, or NotFound.
	DraftFile(ctx context.Context, id int64) (*DraftFile, error)
}

// ActCommands changes acts and journals. Whoever locks an act has locked its
// cohort before.
type ActCommands interface {
	// CohortOfAct returns the id of the cohort of an act that the actor may see,
	// else NotFound. It locks nothing.
	CohortOfAct(ctx context.Context, by Actor, actID int64) (int64, error)
	// ActsForUpdate is ActsOfCohort and holds the rows until the transaction ends.
	ActsForUpdate(ctx context.Context, cohortID int64) ([]Act, error)
	// InsertAct sets the new act's ID.
	InsertAct(ctx context.Context, a *Act) error
	// SaveAct writes every column of an act that exists.
	SaveAct(ctx context.Context, a *Act) error
	InsertActVersion(ctx context.Context, v ActVersion) error
	// SetActFile records the printed document of a version.
	SetActFile(ctx context.Context, actID int64, version int, sha256 string) error
	// InsertJournal sets the new journal's ID.
	InsertJournal(ctx context.Context, j *Journal) error
	InsertJournalFiles(ctx context.Context, files []JournalFile) error
	// RejectJournal marks a version as rejected.
	RejectJournal(ctx context.Context, journalID, by int64, at time.Time, comment string) error
	// HoldDraftFiles makes everybody else who would change the person's draft
	// files wait until the transaction ends. The cohort is locked before it.
	HoldDraftFiles(ctx context.Context, personID int64) error
	// KeptBefore reports whether a version's files were ever among the person's
	// draft files of the cohort, removed ones included.
	KeptBefore(ctx context.Context, personID, cohortID int64, version int) (bool, error)
	// SetJournalSheet records the contact sheet of a version.
	SetJournalSheet(ctx context.Context, journalID int64, sha256 string) error
	// DraftFileForUpdate is DraftFile and holds the row.
	DraftFileForUpdate(ctx context.Context, id int64) (*DraftFile, error)
	// InsertDraftFile sets the new ID. A second file of the same update changes
	// nothing, and f becomes what the first one is by now.
	InsertDraftFile(ctx context.Context, f *DraftFile) error
	SaveDraftFile(ctx context.Context, f *DraftFile) error
}

// PrintAct is the job that prints one version of an act.
type PrintAct struct {
	ActID   int64 `json:"act_id"`
	Version int   `json:"version"`
}

// Kind names the job.
func (PrintAct) Kind() string { return "print_act" }

// Acts holds the use cases around acts and their journals.
type Acts struct {
	store    Store
	calendar func(context.Context) (*Calendar, error)
	printer  Printer
	files    FileStore
	now      Clock
}

// NewActs returns the use cases over store. calendar gives the working days in
// force.
func NewActs(store Store, calendar func(context.Context) (*Calendar, error), printer Printer, files FileStore, now Clock) *Acts {
	return &Acts{store: store, calendar: calendar, printer: printer, files: files, now: now}
}

// scene is a cohort with everything that a move of one of its acts looks at and
// may change, held by the transaction.
type scene struct {
	q        Queries // tx, or the store when it is only looked at
	tx       Tx      // nil when it is only looked at
	by       Actor
	cohort   *Cohort
	partner  *Org
	operator *time.Location
	acts     []Act
	newest   *Journal
	calendar *Calendar
	now      time.Time

	queueTold bool // the reviewers have been told of news in this transaction
	cardTold  bool // their queue's cards have been renewed in it
}

// inScene runs fn with a cohort and its acts held for whoever may see them. The
// calendar is read before the transaction: inside, it would take a second
// connection, and as many transactions as there are connections would wait for
// each other.
func (s *Acts) inScene(ctx context.Context, by Actor, find func(Tx) (int64, error), fn func(context.Context, *scene) error) error {
	calendar, err := s.calendar(ctx)
	if err != nil {
		return err
	}
	return s.store.InTx(ctx, func(ctx context.Context, tx Tx) error {
		cohortID, err := find(tx)
		if err != nil {
			return err
		}
		sc, err := s.enter(ctx, tx, by, cohortID)
		if err != nil {
			return err
		}
		sc.calendar = calendar
		return fn(ctx, sc)
	})
}

// atCohort is inScene for a cohort that is known.
func (s *Acts) atCohort(ctx context.Context, by Actor, id int64, fn func(context.Context, *scene) error) error {
	return s.inScene(ctx, by, func(Tx) (int64, error) { return id, nil }, fn)
}

// atAct is inScene for the cohort of an act.
func (s *Acts) atAct(ctx context.Context, by Actor, id int64, fn func(context.Context, *scene, *Act) error) error {
	find := func(tx Tx) (int64, error) { return tx.CohortOfAct(ctx, by, id) }
	return s.inScene(ctx, by, find, func(ctx context.Context, sc *scene) error {
		a, err := sc.act(id)
		if err != nil {
			return err
		}
		return fn(ctx, sc, a)
	})
}

// enter locks a cohort and its acts, in this order, and asks once more what the
// actor may: a right can have ended since the press came in, or while the
// transaction waited for the cohort.
func (s *Acts) enter(ctx context.Context, tx Tx, by Actor, cohortID int64) (*scene, error) {
	sc := &scene{q: tx, tx: tx, by: by, now: s.now().UTC()}
	var err error
	if sc.cohort, err = tx.CohortForUpdate(ctx, by, cohortID); err != nil {
		return nil, err
	}
	if by.PersonID != 0 {
		if sc.by, err = tx.ActorByID(ctx, by.PersonID); err != nil {
			return nil, err
		}
	}
	if sc.partner, err = tx.Org(ctx, sc.cohort.PartnerID); err != nil {
		return nil, err
	}
	if sc.acts, err = tx.ActsForUpdate(ctx, cohortID); err != nil {
		return nil, err
	}
	if sc.cohort.JournalVersion > 0 {
		sc.newest, err = tx.Journal(ctx, cohortID, sc.cohort.JournalVersion)
	}
	return sc, err
}

// act finds an act of the scene.
func (sc *scene) act(id int64) (*Act, error) {
	for i := range sc.acts {
		if sc.acts[i].ID == id {
			return &sc.acts[i], nil
		}
	}
	return nil, refuse(NotFound, ReasonNotFound)
}

// holder returns who holds the act or, if nobody does, who holds another act
// of the cohort; nil when all are free.
func (sc *scene) holder(ctx context.Context, a *Act) (*Holder, error) {
	held := a
	for i := range sc.acts {
		if held.ReviewerID != 0 {
			break
		}
		held = &sc.acts[i]
	}
	if held.ReviewerID == 0 {
		return nil, nil //nolint:nilnil // nobody is an answer, not an error
	}
	p, err := sc.q.Person(ctx, held.ReviewerID)
	if err != nil {
		return nil, err
	}
	return &Holder{PersonID: p.ID, Name: p.Name, At: *held.TakenAt, Zone: sc.by.Zone}, nil
}

// zoneOf returns the zone of an organisation; a name that this machine does not
// know is our fault, since it was checked when it was set.
func zoneOf(name string) (*time.Location, error) {
	loc, err := time.LoadLocation(name)
	if err != nil {
		return nil, fmt.Errorf("zone of organisation: %w", err)
	}
	return loc, nil
}

// today is the day in the partner's zone.
func (sc *scene) today() (Day, error) {
	loc, err := zoneOf(sc.partner.Zone)
	if err != nil {
		return Day{}, err
	}
	return DayOf(sc.now, loc), nil
}

// due is the deadline of whoever must act on an act that has just come into a
// status: the working days count from the day in that side's zone.
func (sc *scene) due(ctx context.Context, status ActStatus) (Day, error) {
	switch status {
	case ActInApproval:
		loc, err := sc.operatorZone(ctx)
		if err != nil {
			return Day{}, err
		}
		return sc.calendar.AddWorking(DayOf(sc.now, loc), operatorDays), nil
	case ActRejected:
		today, err := sc.today()
		if err != nil {
			return Day{}, err
		}
		return sc.calendar.AddWorking(today, partnerDays), nil
	case ActAwaitingJournal, ActApproved, ActCancelled:
		return Day{}, nil
	}
	return Day{}, fmt.Errorf("no deadline rule for status %q", status)
}

// overdue reports whether an act's deadline has passed where it was set: in the
// operator's zone while the operator checks, in the partner's while they mend.
func (sc *scene) overdue(ctx context.Context, a *Act) (bool, error) {
	if a.DueOn.IsZero() {
		return false, nil
	}
	if a.Status != ActInApproval {
		today, err := sc.today()
		return today.After(a.DueOn), err
	}
	loc, err := sc.operatorZone(ctx)
	if err != nil {
		return false, err
	}
	return DayOf(sc.now, loc).After(a.DueOn), nil
}

func (sc *scene) operatorZone(ctx context.Context) (*time.Location, error) {
	if sc.operator != nil {
		return sc.operator, nil
	}
	org, err := sc.q.OperatorOrg(ctx)
	if err != nil {
		return nil, fmt.Errorf("operator organisation: %w", err)
	}
	sc.operator, err = zoneOf(org.Zone)
	return sc.operator, err
}

// deed is what a move needs beside the act: who made it known in history, why,
// and with which journal.
type deed struct {
	event   ActEvent
	by      Actor  // whom the guards ask
	person  int64  // whom history names; differs from by when a move follows from another
	comment string //
	journal int    // version that the act goes with; 0 keeps it
}

// move is the only code that changes an act's status. State, history and the
// notices to whoever must act next are written in one transaction.
func (sc *scene) move(ctx context.Context, a *Act, d deed) error {
	to, err := sc.ask(ctx, a, d)
	if err != nil {
		return err
	}
	from, reviewer := a.Status, a.ReviewerID
	if d.journal != 0 {
		a.JournalVersion = d.journal
	}
	switch d.event {
	case ActTake:
		a.ReviewerID, a.TakenAt = d.by.PersonID, &sc.now
	case ActRelease, ActExpire, ActApprove, ActReject, ActFall:
		a.ReviewerID, a.TakenAt = 0, nil
	case ActSubmit, ActResend, ActReplace:
		a.SubmittedAt = &sc.now
	case ActRegenerate:
		a.Version++
	case ActCancel:
		if err := sc.tx.SetLearnersAct(ctx, a.ID, nil); err != nil {
			return err
		}
	}
	switch d.event {
	case ActReject, ActFall, ActCancel:
		a.Comment = d.comment
	case ActSubmit, ActResend, ActReplace, ActRegenerate, ActTake, ActRelease, ActExpire, ActApprove:
	}
	if from != to || d.event == ActReplace {
		if a.DueOn, err = sc.due(ctx, to); err != nil {
			return err
		}
	}
	a.Status, a.Revision, a.UpdatedAt = to, a.Revision+1, sc.now
	if err := sc.tx.SaveAct(ctx, a); err != nil {
		return err
	}
	if err := sc.tx.AddHistory(ctx, History{
		Subject: SubjectAct, SubjectID: a.ID, At: sc.now, PersonID: d.person,
		Event: string(d.event), FromStatus: string(from), ToStatus: string(to), Comment: d.comment,
		Version: a.Version, JournalVersion: a.JournalVersion,
	}); err != nil {
		return err
	}
	return sc.tell(ctx, a, d, reviewer)
}

// ask asks the table whether the deed is permitted and where it leads. A move
// that the state does not know is a Conflict that tells what happened.
func (sc *scene) ask(ctx context.Context, a *Act, d deed) (ActStatus, error) {
	m, err := sc.moveOf(ctx, a, d)
	if err != nil {
		return "", err
	}
	to, err := actTable.Next(a.Status, d.event, m)
	if errors.Is(err, fsm.ErrNoMove) {
		return "", movedOn(ctx, sc.q, sc.by, SubjectAct, a.ID, err)
	}
	return to, err
}

func (sc *scene) moveOf(ctx context.Context, a *Act, d deed) (actMove, error) {
	m := actMove{by: d.by, act: a, cohort: sc.cohort, newest: sc.newest, comment: d.comment}
	var err error
	if m.today, err = sc.today(); err != nil {
		return m, err
	}
	if m.holder, err = sc.holder(ctx, a); err != nil {
		return m, err
	}
	switch {
	case a.JournalVersion == 0:
	case sc.newest != nil && a.JournalVersion == sc.newest.Version:
		m.sent = sc.newest
	default:
		m.sent, err = sc.q.Journal(ctx, a.CohortID, a.JournalVersion)
	}
	return m, err
}

// movedOn builds the Conflict that tells what happened last to a thing.
func movedOn(ctx context.Context, q Queries, by Actor, subject string, id int64, cause error) error {
	moved := Moved{Subject: subject, ID: id, Zone: by.Zone}
	last, err := q.HistoryOf(ctx, subject, id, 1)
	if err != nil {
		return err
	}
	if len(last) > 0 {
		moved.Event, moved.By, moved.At = last[0].Event, last[0].By, last[0].At
	}
	return &Error{Kind: Conflict, Reason: ReasonMovedOn, Data: moved, Err: cause}
}

// Move makes a move that needs nothing but the person's word: resend, take,
// release, approve. Revision is the one that the person was looking at: if the
// act has moved on since, Move returns a Conflict and changes nothing. Of two
// who press at one moment one wins.
func (s *Acts) Move(ctx context.Context, by Actor, id int64, revision int, ev ActEvent) (*Act, error) {
	switch ev {
	case ActResend, ActTake, ActRelease, ActApprove:
	case ActSubmit, ActReplace, ActRegenerate, ActCancel, ActReject, ActExpire, ActFall:
		return nil, fmt.Errorf("move act %d: %q needs more than a word: %w", id, ev, refuse(Forbidden, ReasonForbidden))
	default:
		return nil, fmt.Errorf("move act %d: no event %q: %w", id, ev, refuse(Forbidden, ReasonForbidden))
	}
	return s.one(ctx, by, id, revision, deed{event: ev, person: by.PersonID})
}

// Reject sends a package back with a comment, and the journal with it: every
// other act of the cohort that waits for approval with the same version falls
// too, and a review of it that is under way ends.
func (s *Acts) Reject(ctx context.Context, by Actor, id int64, revision int, comment string) (*Act, error) {
	return s.one(ctx, by, id, revision, deed{event: ActReject, person: by.PersonID, comment: plainText(comment)})
}

// Cancel ends an act that is not approved and sets its learners free.
func (s *Acts) Cancel(ctx context.Context, by Actor, id int64, revision int, comment string) (*Act, error) {
	return s.one(ctx, by, id, revision, deed{event: ActCancel, person: by.PersonID, comment: plainText(comment)})
}

// plainText drops what no text column holds: NUL and bytes that are no text.
// Everything else is kept to the letter.
func plainText(s string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(s, ""), "\x00", "")
}

// ExpireReviews gives back the acts that were taken longer than reviewLimit
// ago, and those whose reviewer represents the operator no more. It is called by
// the clock and returns how many it gave back. One that cannot be given back
// does not keep the others.
func (s *Acts) ExpireReviews(ctx context.Context) (int, error) {
	const batch = 100
	ids, err := s.store.ExpiredReviews(ctx, s.now().Add(-reviewLimit), batch)
	if err != nil {
		return 0, fmt.Errorf("expired reviews: %w", err)
	}
	ended := 0
	var failed []error
	for _, id := range ids {
		expired := false
		err := s.atAct(ctx, System, id, func(ctx context.Context, sc *scene, a *Act) error {
			expired = false
			if a.ReviewerID == 0 {
				return nil // given back or decided meanwhile
			}
			reviewer, err := sc.tx.ActorByID(ctx, a.ReviewerID)
			if err != nil && AsError(err).Kind != NotFound {
				return err
			}
			if a.TakenAt.After(sc.now.Add(-reviewLimit)) && reviewer.Has(RoleOperatorRep) {
				return nil
			}
			expired = true
			return sc.move(ctx, a, deed{event: ActExpire, by: System})
		})
		switch {
		case err != nil:
			failed = append(failed, fmt.Errorf("expire review of act %d: %w", id, err))
		case expired:
			ended++
		}
	}
	return ended, errors.Join(failed...)
}

// one makes a move of one act and what follows from it.
func (s *Acts) one(ctx context.Context, by Actor, id int64, revision int, d deed) (*Act, error) {
	var out *Act
	err := s.atAct(ctx, by, id, func(ctx context.Context, sc *scene, a *Act) error {
		if a.Revision != revision {
			return movedOn(ctx, sc.tx, sc.by, SubjectAct, id, nil)
		}
		d.by = sc.by
		if d.event == ActResend {
			d.journal = sc.cohort.JournalVersion
		}
		sent := a.JournalVersion
		if err := sc.move(ctx, a, d); err != nil {
			return err
		}
		if d.event == ActReject {
			if err := sc.rejectJournal(ctx, sent, d); err != nil {
				return err
			}
		}
		out = a
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("%s act %d: %w", d.event, id, err)
	}
	return out, nil
}

// rejectJournal rejects the version of the journal and with it every act that
// waits for approval with it.
func (sc *scene) rejectJournal(ctx context.Context, version int, d deed) error {
	j, err := sc.tx.Journal(ctx, sc.cohort.ID, version)
	if err != nil {
		return err
	}
	if err := sc.tx.RejectJournal(ctx, j.ID, d.person, sc.now, d.comment); err != nil {
		return err
	}
	for i := range sc.acts {
		other := &sc.acts[i]
		if other.Status != ActInApproval || other.JournalVersion != version {
			continue
		}
		fall := deed{event: ActFall, by: System, person: d.person, comment: d.comment}
		if err := sc.move(ctx, other, fall); err != nil {
			return fmt.Errorf("act %d with the same journal: %w", other.ID, err)
		}
	}
	return nil
}

// Generation says whether an act can be generated in a cohort.
type Generation struct {
	Status   GenerationStatus
	Eligible int // learners who can be chosen now
}

// GenerationStatus is computed, never stored.
type GenerationStatus string

// The states of what can be generated next in a cohort.
const (
	GenerationImpossible GenerationStatus = "impossible"
	GenerationReady      GenerationStatus = "ready"
)

// generation is the rule: the cohort has ended and somebody is eligible.
func generation(ended bool, eligible int) Generation {
	g := Generation{Status: GenerationImpossible, Eligible: eligible}
	if ended && eligible > 0 {
		g.Status = GenerationReady
	}
	return g
}

// GenerateInput says for whom an act is generated.
type GenerateInput struct {
	CohortID int64
	Revision int     // of the cohort, as the person saw it
	Learners []int64 // ids; nil takes everybody who is eligible
}

// Generate makes a new act for the chosen learners. The act waits for a journal
// and its document is printed by a job. It refuses before the day after the
// cohort's end, for learners who are not eligible, and when the cohort has
// moved on since the person saw it.
func (s *Acts) Generate(ctx context.Context, by Actor, in GenerateInput) (*Act, error) {
	var out *Act
	err := s.atCohort(ctx, by, in.CohortID, func(ctx context.Context, sc *scene) error {
		today, err := sc.today()
		if err != nil {
			return err
		}
		m := actMove{by: sc.by, cohort: sc.cohort, today: today}
		if err := all(isPartner, cohortEnded)(m); err != nil {
			return err
		}
		if sc.cohort.Revision != in.Revision {
			return movedOn(ctx, sc.tx, sc.by, SubjectCohort, sc.cohort.ID, nil)
		}
		ids := in.Learners
		if ids == nil {
			if ids, err = sc.tx.EligibleLearners(ctx, sc.cohort.ID); err != nil {
				return err
			}
		}
		sc.cohort.Acts++
		a := &Act{
			Number:   sc.cohort.Number + "/" + strconv.Itoa(sc.cohort.Acts),
			CohortID: sc.cohort.ID, PartnerID: sc.cohort.PartnerID,
			Status: ActAwaitingJournal, Version: 1, Revision: 1, GeneratedBy: by.PersonID,
			CreatedAt: sc.now, UpdatedAt: sc.now,
		}
		if err := sc.tx.InsertAct(ctx, a); err != nil {
			return err
		}
		if err := sc.draw(ctx, a, ids, today); err != nil {
			return err
		}
		if err := sc.touchCohort(ctx, actGenerated); err != nil {
			return err
		}
		out = a
		return sc.tx.AddHistory(ctx, History{
			Subject: SubjectAct, SubjectID: a.ID, At: sc.now, PersonID: by.PersonID,
			Event: actGenerated, ToStatus: string(a.Status), Version: a.Version,
		})
	})
	if err != nil {
		return nil, fmt.Errorf("generate act of cohort %d: %w", in.CohortID, err)
	}
	return out, nil
}

// RegenerateInput says for whom an act is made anew.
type RegenerateInput struct {
	ActID    int64
	Revision int     // of the act, as the person saw it
	Learners []int64 // ids; nil keeps those whom the act names
}

// Regenerate makes the next version of an act's document: same number, and
// learners can change. Its status stays.
func (s *Acts) Regenerate(ctx context.Context, by Actor, in RegenerateInput) (*Act, error) {
	var out *Act
	err := s.atAct(ctx, by, in.ActID, func(ctx context.Context, sc *scene, a *Act) error {
		if a.Revision != in.Revision {
			return movedOn(ctx, sc.tx, sc.by, SubjectAct, a.ID, nil)
		}
		ids := in.Learners
		if ids == nil {
			named, err := sc.tx.ActLearners(ctx, a.ID)
			if err != nil {
				return err
			}
			for i := range named {
				ids = append(ids, named[i].ID)
			}
		}
		if err := sc.move(ctx, a, deed{event: ActRegenerate, by: sc.by, person: by.PersonID}); err != nil {
			return err
		}
		today, err := sc.today()
		if err != nil {
			return err
		}
		out = a
		return sc.draw(ctx, a, ids, today)
	})
	if err != nil {
		return nil, fmt.Errorf("regenerate act %d: %w", in.ActID, err)
	}
	return out, nil
}

// draw binds the learners to the act, freezes what its current version says and
// asks for its printing.
func (sc *scene) draw(ctx context.Context, a *Act, ids []int64, today Day) error {
	ids = slices.Compact(slices.Sorted(slices.Values(ids)))
	if len(ids) == 0 {
		return refuse(Invalid, ReasonNoLearners)
	}
	learners, err := sc.tx.LearnersForUpdate(ctx, sc.cohort.ID, ids)
	if err != nil {
		return err
	}
	var refused []string
	for i := range learners {
		l := &learners[i]
		if !l.Documented() || (l.ActID != 0 && l.ActID != a.ID) {
			refused = append(refused, l.Name())
		}
	}
	if len(refused) > 0 || len(learners) != len(ids) {
		return refuseWith(Conflict, ReasonNotEligible, refused)
	}
	if err := sc.tx.SetLearnersAct(ctx, a.ID, ids); err != nil {
		return err
	}
	form, err := json.Marshal(actForm(a, sc.cohort, sc.partner, learners, today))
	if err != nil {
		return fmt.Errorf("encode form: %w", err)
	}
	err = sc.tx.InsertActVersion(ctx, ActVersion{
		ActID: a.ID, Version: a.Version, Form: form, GeneratedBy: sc.by.PersonID, GeneratedAt: sc.now,
	})
	if err != nil {
		return err
	}
	return sc.tx.InsertJob(ctx, PrintAct{ActID: a.ID, Version: a.Version})
}

// touchCohort counts a change of the cohort and writes it down.
func (sc *scene) touchCohort(ctx context.Context, event string) error {
	sc.cohort.Revision++
	sc.cohort.UpdatedAt = sc.now
	if err := sc.tx.SaveCohort(ctx, sc.cohort); err != nil {
		return err
	}
	return sc.tx.AddHistory(ctx, History{
		Subject: SubjectCohort, SubjectID: sc.cohort.ID, At: sc.now, PersonID: sc.by.PersonID,
		Event: event, JournalVersion: sc.cohort.JournalVersion,
	})
}

// actForm gathers what the printed act says.
func actForm(a *Act, c *Cohort, partner *Org, learners []Learner, today Day) ActForm {
	f := ActForm{
		Number: a.Number, Version: a.Version, Date: today,
		Partner: partner.Name, PartnerINN: partner.INN,
		Cohort: c.Number, Program: c.Program, ProgramKind: c.ProgramKind, Hours: c.Hours,
		Start: c.StartOn, End: c.EndOn,
	}
	for i := range learners {
		l := &learners[i]
		row := ActFormLearner{
			Number: l.Number, Name: l.Name(), DocType: int(l.DocumentType), DocTypeName: l.DocumentType.Name(),
			Series: l.DocumentSeries, DocNumber: l.DocumentNumber, RegistrationNumber: l.RegistrationNumber,
			IssuedOn: l.DocumentOn, InFRDO: l.InFRDO,
		}
		if !l.SentOn.IsZero() {
			row.SentOn = &l.SentOn
		}
		f.Learners = append(f.Learners, row)
	}
	return f
}

// formLearners counts the rows of a version's table.
func formLearners(v *ActVersion) (int, error) {
	var f ActForm
	if err := json.Unmarshal(v.Form, &f); err != nil {
		return 0, fmt.Errorf("form of act %d: %w", v.ActID, err)
	}
	return len(f.Learners), nil
}

// Print is the job PrintAct: it prints a version of an act, stores it and lets
// whoever generated it know. A letter that cannot be printed is told to them,
// too: it is mended in the data, not by trying again.
func (s *Acts) Print(ctx context.Context, j PrintAct) error {
	v, err := s.store.ActVersion(ctx, j.ActID, j.Version)
	if err != nil {
		return fmt.Errorf("print act %d: %w", j.ActID, err)
	}
	if v.FileSHA != "" {
		return nil
	}
	var form ActForm
	if err := json.Unmarshal(v.Form, &form); err != nil {
		return fmt.Errorf("form of act %d: %w", j.ActID, err)
	}
	notice := PrintedNotice{ActID: j.ActID, Version: j.Version}
	pdf, err := s.printer.Act(ctx, form)
	var glyph *GlyphError
	switch {
	case errors.As(err, &glyph):
		notice.Rune, notice.Learner = string(glyph.Rune), glyph.Learner
		return s.store.InTx(ctx, func(ctx context.Context, tx Tx) error {
			if err := tx.Enqueue(ctx, v.GeneratedBy, notice, time.Time{}); err != nil {
				return err
			}
			return tx.JobDone(ctx, j) // nothing else tells that it is over
		})
	case err != nil:
		return fmt.Errorf("print act %d: %w", j.ActID, err)
	}
	sha, size, err := s.files.Put(ctx, bytes.NewReader(pdf))
	if err != nil {
		return fmt.Errorf("store act %d: %w", j.ActID, err)
	}
	return s.store.InTx(ctx, func(ctx context.Context, tx Tx) error {
		if err := tx.SaveFile(ctx, File{SHA256: sha, Size: size, Type: typePDF}); err != nil {
			return err
		}
		if err := tx.SetActFile(ctx, j.ActID, j.Version, sha); err != nil {
			return err
		}
		return tx.Enqueue(ctx, v.GeneratedBy, notice, time.Time{})
	})
}
