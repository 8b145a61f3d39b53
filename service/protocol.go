package service

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"flowbot/service/fsm"
)

// ProtocolStatus is a state of protocolTable.
type ProtocolStatus string

// ProtocolEvent is an event of protocolTable. It stands in the history of the
// exam, so its name says that it is about the protocol.
type ProtocolEvent string

// The statuses, in the order of the domain.
const (
	ProtocolMissing  ProtocolStatus = "missing"
	ProtocolToCheck  ProtocolStatus = "to_check"
	ProtocolInCheck  ProtocolStatus = "in_check"
	ProtocolApproved ProtocolStatus = "approved"
	ProtocolRejected ProtocolStatus = "rejected"
)

// The events, named for what a person does; ProtocolExpire follows from the
// clock.
const (
	ProtocolUpload  ProtocolEvent = "protocol_upload"  // the first version
	ProtocolReplace ProtocolEvent = "protocol_replace" // the next version
	ProtocolTake    ProtocolEvent = "protocol_take"
	ProtocolRelease ProtocolEvent = "protocol_release"
	ProtocolExpire  ProtocolEvent = "protocol_expire" // taken for longer than reviewLimit
	ProtocolApprove ProtocolEvent = "protocol_approve"
	ProtocolReject  ProtocolEvent = "protocol_reject"
)

// The refusals about protocols.
const (
	ReasonProtocolTooEarly  Reason = "protocol.too_early" // Data: Day of the exam
	ReasonProtocolTaken     Reason = "protocol.taken"     // Data: Holder
	ReasonProtocolNotTaken  Reason = "protocol.not_taken" // deciding needs taking first
	ReasonProtocolUnsettled Reason = "protocol.unsettled" // Data: ProtocolLack
	ReasonProtocolNobody    Reason = "protocol.nobody"    // the exam has no applications
	ReasonProtocolNumbered  Reason = "protocol.numbered"  // approved, and certificates have their numbers by it
	ReasonProtocolNumber    Reason = "protocol.number"    // Data: the limit in characters
	ReasonProtocolDate      Reason = "protocol.date"      // no such day
	ReasonProtocolBefore    Reason = "protocol.before"    // Data: Day of the exam
	ReasonProtocolFuture    Reason = "protocol.future"    //
	ReasonProtocolNoFile    Reason = "protocol.no_file"   // nothing to download yet
)

// maxProtocolNumber is the longest number of a protocol, in characters.
const maxProtocolNumber = 50

// ProtocolLack says what keeps a protocol from being approved.
type ProtocolLack struct {
	Applications []Application // the first of those that lack their result or their mark, by name
	More         int           // others
}

// shownLacks is how many applications a refusal names.
const shownLacks = 10

// protocolMove is what a guard of protocolTable looks at.
type protocolMove struct {
	by      Actor
	exam    *Exam
	holder  *Holder // who has taken the protocol, nil when nobody has
	lack    *ProtocolLack
	today   Day // in the center's zone
	comment string
}

// protocolTable is the life of an exam's protocol: from, event, to, who, when.
// An approved one can be replaced, and must be approved anew, as long as no
// certificate has its registration number by it.
var protocolTable = fsm.MustTable(ProtocolMissing,
	fsm.Row(ProtocolMissing, ProtocolUpload, ProtocolToCheck, both(worksInCenter, examHeld)),
	fsm.Row(ProtocolToCheck, ProtocolTake, ProtocolInCheck, worksInCenter),
	fsm.Row(ProtocolToCheck, ProtocolReplace, ProtocolToCheck, worksInCenter),
	fsm.Row(ProtocolInCheck, ProtocolApprove, ProtocolApproved, holdsProtocol, hasApplications, allSettled),
	fsm.Row(ProtocolInCheck, ProtocolReject, ProtocolRejected, holdsProtocol, saysWhyProtocol),
	fsm.Row(ProtocolInCheck, ProtocolRelease, ProtocolToCheck, holdsProtocol),
	fsm.Row(ProtocolInCheck, ProtocolExpire, ProtocolToCheck, protocolBySystem),
	fsm.Row(ProtocolRejected, ProtocolReplace, ProtocolToCheck, worksInCenter),
	fsm.Row(ProtocolApproved, ProtocolReplace, ProtocolToCheck, both(worksInCenter, nothingNumbered)),
)

// both agrees when the two guards do, and refuses as the first that does not.
func both(a, b fsm.Guard[protocolMove]) fsm.Guard[protocolMove] {
	return func(m protocolMove) error {
		if err := a(m); err != nil {
			return err
		}
		return b(m)
	}
}

func worksInCenter(m protocolMove) error { return isStaffOf(m.by, m.exam.CenterID) }

func examHeld(m protocolMove) error {
	if m.today.Before(m.exam.HeldOn) {
		return refuseWith(Invalid, ReasonProtocolTooEarly, m.exam.HeldOn)
	}
	return nil
}

func holdsProtocol(m protocolMove) error {
	if err := worksInCenter(m); err != nil {
		return err
	}
	if m.exam.ReviewerID != m.by.PersonID {
		return refuseWith(Conflict, ReasonProtocolTaken, *m.holder)
	}
	return nil
}

func hasApplications(m protocolMove) error {
	if m.exam.Applications == 0 {
		return refuse(Invalid, ReasonProtocolNobody)
	}
	return nil
}

func allSettled(m protocolMove) error {
	if m.lack != nil {
		return refuseWith(Invalid, ReasonProtocolUnsettled, *m.lack)
	}
	return nil
}

func saysWhyProtocol(m protocolMove) error { return CheckComment(m.comment) }

func protocolBySystem(m protocolMove) error { return bySystem(actMove{by: m.by}) }

func nothingNumbered(m protocolMove) error {
	if m.exam.Numbered > 0 {
		return refuse(Conflict, ReasonProtocolNumbered)
	}
	return nil
}

// Protocol is one version of the commission's record of an exam. No version is
// ever changed or destroyed; a newer one takes its place.
type Protocol struct {
	ExamID     int64  `bun:",pk"`
	Version    int    `bun:",pk"` // from 1
	Number     string // such as 316/24
	DatedOn    Day    `bun:"type:date"`
	FileName   string // as the sender called it
	FileSHA    string // the original as it came
	CleanSHA   string // what others get
	Pages      int
	UploadedBy int64
	UploadedAt time.Time // UTC

	Uploader string `bun:",scanonly"` // name
}

// ProtocolQueries asks about protocols.
type ProtocolQueries interface {
	// Protocol returns a version of an exam's protocol, or NotFound.
	Protocol(ctx context.Context, examID int64, version int) (*Protocol, error)
	// Protocols lists every version of an exam's protocol, oldest first.
	Protocols(ctx context.Context, examID int64) ([]Protocol, error)
	// ExpiredProtocols lists the ids of exams whose protocol was taken before the
	// moment, or is held by somebody who works in the center no more, at most limit.
	ExpiredProtocols(ctx context.Context, takenBefore time.Time, limit int) ([]int64, error)
}

// ProtocolCommands changes protocols.
type ProtocolCommands interface {
	InsertProtocol(ctx context.Context, p *Protocol) error
}

// ProtocolNotice tells staff of a center what has become of a protocol: that one
// waits for a check, that it was decided, that their review has ended.
type ProtocolNotice struct {
	ExamID  int64         `json:"exam_id"`
	Version int           `json:"version"` // of the protocol
	Event   ProtocolEvent `json:"event"`
}

// The kinds of ProtocolNotice.
const (
	noticeProtocolToCheck  = "protocol_to_check"
	noticeProtocolApproved = "protocol_approved"
	noticeProtocolRejected = "protocol_rejected"
	noticeProtocolEnded    = "protocol_review_ended"
)

// NoticeKind names the notice.
func (n ProtocolNotice) NoticeKind() string {
	switch n.Event {
	case ProtocolApprove:
		return noticeProtocolApproved
	case ProtocolReject:
		return noticeProtocolRejected
	case ProtocolExpire:
		return noticeProtocolEnded
	case ProtocolUpload, ProtocolReplace, ProtocolTake, ProtocolRelease:
	}
	return noticeProtocolToCheck
}

// NoticeLane is the lane of news while a check is awaited, else of decisions.
func (n ProtocolNotice) NoticeLane() Lane {
	if n.NoticeKind() == noticeProtocolToCheck {
		return LaneNews
	}
	return LaneDecision
}

// NoticeKey keeps one for an exam that waits for a check, and every decision.
func (n ProtocolNotice) NoticeKey() string {
	if n.NoticeKind() == noticeProtocolToCheck {
		return fmt.Sprint(noticeProtocolToCheck, n.ExamID)
	}
	return ""
}

// ExpireProtocols is the job of Protocols.Expire.
type ExpireProtocols struct{}

// Kind names the job.
func (ExpireProtocols) Kind() string { return "expire_protocols" }

// JobOptions implements the options of a Job.
func (ExpireProtocols) JobOptions() JobOptions { return clockJob() }

// Protocols holds the use cases around the protocols of exams.
type Protocols struct {
	store Store
	files FileStore
	now   Clock
}

// NewProtocols returns the use cases over store.
func NewProtocols(store Store, files FileStore, now Clock) *Protocols {
	return &Protocols{store: store, files: files, now: now}
}

// ProtocolView is an exam's protocol with what its screen shows and what the
// reader may do.
type ProtocolView struct {
	Exam     Exam
	Org      Org        // the center
	Versions []Protocol // oldest first
	Holder   *Holder    // who has taken it, nil when nobody has
	Decided  *History   // who approved or rejected it, and when; nil while it is open
	Today    Day        // in the center's zone
	Offers   []ProtocolEvent
}

// Newest is the newest version, nil before the first.
func (v *ProtocolView) Newest() *Protocol {
	if len(v.Versions) == 0 {
		return nil
	}
	return &v.Versions[len(v.Versions)-1]
}

func (v *ProtocolView) move(by Actor) protocolMove {
	return protocolMove{by: by, exam: &v.Exam, holder: v.Holder, today: v.Today}
}

// View returns the protocol of an exam for whoever may see it.
func (s *Protocols) View(ctx context.Context, by Actor, examID int64) (*ProtocolView, error) {
	v, err := s.view(ctx, by, examID)
	if err != nil {
		return nil, fmt.Errorf("protocol of exam %d: %w", examID, err)
	}
	return v, nil
}

func (s *Protocols) view(ctx context.Context, by Actor, examID int64) (*ProtocolView, error) {
	e, err := s.store.Exam(ctx, by, examID)
	if err != nil {
		return nil, err
	}
	org, err := s.store.Org(ctx, e.CenterID)
	if err != nil {
		return nil, err
	}
	loc, err := org.Location()
	if err != nil {
		return nil, err
	}
	v := &ProtocolView{Exam: *e, Org: *org, Today: DayOf(s.now(), loc)}
	if v.Versions, err = s.store.Protocols(ctx, examID); err != nil {
		return nil, err
	}
	if v.Holder, err = protocolHolder(ctx, s.store, by, e); err != nil {
		return nil, err
	}
	if v.Decided, err = protocolDecided(ctx, s.store, e); err != nil {
		return nil, err
	}
	v.Offers = protocolTable.Offers(e.ProtocolStatus, v.move(by))
	return v, nil
}

// protocolHolder returns who has taken the exam's protocol, nil when nobody has.
func protocolHolder(ctx context.Context, q Queries, by Actor, e *Exam) (*Holder, error) {
	if e.ReviewerID == 0 {
		return nil, nil //nolint:nilnil // nobody is an answer, not an error
	}
	p, err := q.Person(ctx, e.ReviewerID)
	if err != nil {
		return nil, fmt.Errorf("reviewer: %w", err)
	}
	return &Holder{PersonID: p.ID, Name: p.Name, At: *e.TakenAt, Zone: by.Zone}, nil
}

// protocolDecided returns the step by which a protocol was approved or rejected,
// nil while nobody has decided.
func protocolDecided(ctx context.Context, q Queries, e *Exam) (*History, error) {
	if e.ProtocolStatus != ProtocolApproved && e.ProtocolStatus != ProtocolRejected {
		return nil, nil //nolint:nilnil // nobody is an answer, not an error
	}
	steps, err := q.HistoryOf(ctx, SubjectExam, e.ID, historyLimit)
	if err != nil {
		return nil, err
	}
	for _, h := range slices.Backward(steps) {
		if ev := ProtocolEvent(h.Event); ev == ProtocolApprove || ev == ProtocolReject {
			return &h, nil
		}
	}
	return nil, nil //nolint:nilnil // likewise
}

// Offered returns the protocol if its exam stands at the revision and the
// event's Who agrees now; else the refusal that making the move would meet.
func (s *Protocols) Offered(ctx context.Context, by Actor, examID int64, revision int, ev ProtocolEvent) (*ProtocolView, error) {
	v, err := s.View(ctx, by, examID)
	if err != nil {
		return nil, err
	}
	if v.Exam.Revision != revision {
		return nil, protocolMoved(ctx, s.store, by, examID, nil)
	}
	if !protocolTable.Knows(v.Exam.ProtocolStatus, ev) {
		return nil, s.unknown(ctx, by, &v.Exam, ev)
	}
	return v, protocolTable.Who(v.Exam.ProtocolStatus, ev, v.move(by))
}

// unknown is the refusal of an event that the state does not know.
func (s *Protocols) unknown(ctx context.Context, by Actor, e *Exam, ev ProtocolEvent) error {
	if err := notTaken(e, ev); err != nil {
		return err
	}
	return protocolMoved(ctx, s.store, by, e.ID, fsm.ErrNoMove)
}

// SubjectProtocol is what Moved calls a protocol; the ID is the exam's, in whose
// history its steps stand.
const SubjectProtocol = "protocol"

// protocolMoved is movedOn for an exam whose protocol somebody was looking at.
func protocolMoved(ctx context.Context, q Queries, by Actor, examID int64, cause error) error {
	err := movedOn(ctx, q, by, SubjectExam, examID, cause)
	e := AsError(err)
	if moved, ok := e.Data.(Moved); ok {
		moved.Subject = SubjectProtocol
		e.Data = moved
	}
	return err
}

// notTaken refuses deciding on a protocol that waits to be taken.
func notTaken(e *Exam, ev ProtocolEvent) error {
	if e.ProtocolStatus == ProtocolToCheck && (ev == ProtocolApprove || ev == ProtocolReject) {
		return refuse(Conflict, ReasonProtocolNotTaken)
	}
	return nil
}

// CheckProtocolNumber returns the number of a protocol as it is kept, or refuses
// what is none: it has a digit, and beside digits letters of the Russian and the
// Latin alphabet and the marks by which offices part them.
func CheckProtocolNumber(text string) (string, error) {
	number := strings.TrimSpace(strings.TrimPrefix(joined(plainText(text)), "№"))
	strange := func(r rune) bool {
		return !strings.ContainsRune("0123456789 /\\-–—.,()№_", r) && !unicode.In(r, unicode.Cyrillic, unicode.Latin)
	}
	if !strings.ContainsAny(number, "0123456789") || utf8.RuneCountInString(number) > maxProtocolNumber || strings.ContainsFunc(number, strange) {
		return "", refuseWith(Invalid, ReasonProtocolNumber, maxProtocolNumber)
	}
	return number, nil
}

// CheckDate reads the date of a protocol, ДД.ММ.ГГГГ: not before the exam, not in
// the future where the center is.
func (v *ProtocolView) CheckDate(text string) (Day, error) {
	d, err := ParseDay(strings.TrimSpace(text))
	if err != nil {
		return Day{}, &Error{Kind: Invalid, Reason: ReasonProtocolDate, Err: err}
	}
	return d, checkProtocolDate(d, &v.Exam, v.Today)
}

func checkProtocolDate(d Day, e *Exam, today Day) error {
	switch {
	case d.Before(e.HeldOn):
		return refuseWith(Invalid, ReasonProtocolBefore, e.HeldOn)
	case d.After(today):
		return refuse(Invalid, ReasonProtocolFuture)
	}
	return nil
}

// ProtocolInput is what a version of a protocol is made of.
type ProtocolInput struct {
	ExamID   int64
	Revision int // of the exam, as the person saw it
	Number   string
	DatedOn  Day
	UploadID int64 // the scan; 0 keeps that of the newest version
}

// Upload makes the next version of an exam's protocol and has it wait for a
// check. It refuses with a Conflict when the exam has moved on since the person
// saw it, somebody checks the protocol, or certificates have their numbers by it.
func (s *Protocols) Upload(ctx context.Context, by Actor, in ProtocolInput) (*Exam, error) {
	var out *Exam
	err := inExam(ctx, s.store, s.now, by, in.ExamID, func(ctx context.Context, sc *examScene) error {
		if sc.exam.Revision != in.Revision {
			return protocolMoved(ctx, sc.tx, sc.by, in.ExamID, nil)
		}
		number, err := CheckProtocolNumber(in.Number)
		if err != nil {
			return err
		}
		if err := checkProtocolDate(in.DatedOn, sc.exam, sc.today); err != nil {
			return err
		}
		p := &Protocol{
			ExamID: in.ExamID, Version: sc.exam.ProtocolVersion + 1, Number: number, DatedOn: in.DatedOn,
			UploadedBy: sc.by.PersonID, UploadedAt: sc.now,
		}
		if err := sc.scanOf(ctx, p, in.UploadID); err != nil {
			return err
		}
		if err := sc.tx.InsertProtocol(ctx, p); err != nil {
			return err
		}
		ev := ProtocolReplace
		if sc.exam.ProtocolStatus == ProtocolMissing {
			ev = ProtocolUpload
		}
		out = sc.exam
		return sc.moveProtocol(ctx, ev, "")
	})
	if err != nil {
		return nil, fmt.Errorf("upload protocol of exam %d: %w", in.ExamID, err)
	}
	return out, nil
}

// scanOf gives a version its scan: the uploaded one, or that of the version
// before.
func (sc *examScene) scanOf(ctx context.Context, p *Protocol, uploadID int64) error {
	if uploadID == 0 {
		if p.Version == 1 {
			return refuse(Invalid, ReasonUploadMissing)
		}
		before, err := sc.tx.Protocol(ctx, p.ExamID, p.Version-1)
		if err != nil {
			return err
		}
		p.FileName, p.FileSHA, p.CleanSHA, p.Pages = before.FileName, before.FileSHA, before.CleanSHA, before.Pages
		return nil
	}
	u, err := useUpload(ctx, sc.tx, sc.by, uploadID, UploadProtocol, p.ExamID)
	if err != nil {
		return err
	}
	p.FileName, p.FileSHA, p.CleanSHA, p.Pages = u.Name, u.FileSHA, u.CleanSHA, u.Pages
	return nil
}

// Move makes a move that needs nothing but the person's word: take, release,
// approve. Revision is the exam's as the person saw it: if it has moved on since,
// Move returns a Conflict and changes nothing. Of two who press at one moment one
// wins.
func (s *Protocols) Move(ctx context.Context, by Actor, examID int64, revision int, ev ProtocolEvent) (*Exam, error) {
	switch ev {
	case ProtocolTake, ProtocolRelease, ProtocolApprove:
	case ProtocolUpload, ProtocolReplace, ProtocolReject, ProtocolExpire:
		return nil, fmt.Errorf("%s of exam %d needs more than a word: %w", ev, examID, refuse(Forbidden, ReasonForbidden))
	}
	return s.decide(ctx, by, examID, revision, ev, "")
}

// Reject sends a protocol back with a comment that says what to replace.
func (s *Protocols) Reject(ctx context.Context, by Actor, examID int64, revision int, comment string) (*Exam, error) {
	return s.decide(ctx, by, examID, revision, ProtocolReject, plainText(comment))
}

func (s *Protocols) decide(ctx context.Context, by Actor, examID int64, revision int, ev ProtocolEvent, comment string) (*Exam, error) {
	var out *Exam
	err := inExam(ctx, s.store, s.now, by, examID, func(ctx context.Context, sc *examScene) error {
		if sc.exam.Revision != revision {
			return protocolMoved(ctx, sc.tx, sc.by, examID, nil)
		}
		out = sc.exam
		return sc.moveProtocol(ctx, ev, comment)
	})
	if err != nil {
		return nil, fmt.Errorf("%s of exam %d: %w", ev, examID, err)
	}
	return out, nil
}

// moveProtocol is the only code that changes a protocol's status. State, history
// and notices are written in one transaction.
func (sc *examScene) moveProtocol(ctx context.Context, ev ProtocolEvent, comment string) error {
	e := sc.exam
	m := protocolMove{by: sc.by, exam: e, today: sc.today, comment: comment}
	var err error
	if m.holder, err = protocolHolder(ctx, sc.tx, sc.by, e); err != nil {
		return err
	}
	if ev == ProtocolApprove {
		if m.lack, err = sc.lack(ctx); err != nil {
			return err
		}
	}
	to, err := protocolTable.Next(e.ProtocolStatus, ev, m)
	if errors.Is(err, fsm.ErrNoMove) {
		if err := notTaken(e, ev); err != nil {
			return err
		}
		return protocolMoved(ctx, sc.tx, sc.by, e.ID, err)
	}
	if err != nil {
		return err
	}
	from, reviewer := e.ProtocolStatus, e.ReviewerID
	switch ev {
	case ProtocolTake:
		e.ReviewerID, e.TakenAt = sc.by.PersonID, &sc.now
	case ProtocolRelease, ProtocolExpire, ProtocolApprove, ProtocolReject:
		e.ReviewerID, e.TakenAt = 0, nil
	case ProtocolUpload, ProtocolReplace:
		e.ProtocolVersion++
	}
	if ev == ProtocolReject {
		e.ProtocolComment = comment
	}
	e.ProtocolStatus, e.Revision = to, e.Revision+1
	if err := sc.tx.SaveExam(ctx, e); err != nil {
		return err
	}
	if err := sc.tx.AddHistory(ctx, History{
		Subject: SubjectExam, SubjectID: e.ID, At: sc.now, PersonID: sc.by.PersonID, Event: string(ev),
		FromStatus: string(from), ToStatus: string(to), Comment: comment, Version: e.ProtocolVersion,
	}); err != nil {
		return err
	}
	return sc.tellProtocol(ctx, ev, reviewer)
}

// lack says what keeps the protocol from being approved, nil for nothing.
func (sc *examScene) lack(ctx context.Context) (*ProtocolLack, error) {
	if sc.exam.Unsettled == 0 {
		return nil, nil //nolint:nilnil // nothing is an answer, not an error
	}
	all, err := sc.tx.ApplicationsForUpdate(ctx, sc.exam.ID, nil)
	if err != nil {
		return nil, err
	}
	open := slices.DeleteFunc(all, func(a Application) bool { return a.Settled() })
	shown := min(len(open), shownLacks)
	return &ProtocolLack{Applications: open[:shown], More: len(open) - shown}, nil
}

// tellProtocol writes the notices that follow from a move: colleagues hear that a
// protocol waits for a check, whoever uploaded it how it was decided, and the
// reviewer that the time of a review has run out. Reviewer is who held it before
// the move.
func (sc *examScene) tellProtocol(ctx context.Context, ev ProtocolEvent, reviewer int64) error {
	staff, err := sc.tx.PeopleIn(ctx, RoleCenterStaff, sc.exam.CenterID, tellLimit)
	if err != nil {
		return err
	}
	switch ev {
	case ProtocolTake, ProtocolRelease:
		return nil
	case ProtocolUpload, ProtocolReplace:
	case ProtocolApprove, ProtocolReject:
		p, err := sc.tx.Protocol(ctx, sc.exam.ID, sc.exam.ProtocolVersion)
		if err != nil {
			return err
		}
		if slices.Contains(staff, p.UploadedBy) { // else their colleagues go on
			staff = []int64{p.UploadedBy}
		}
	case ProtocolExpire:
		staff = []int64{reviewer}
	}
	for _, p := range staff {
		if p == sc.by.PersonID { // whoever pressed sees the answer at once
			continue
		}
		n := ProtocolNotice{ExamID: sc.exam.ID, Version: sc.exam.ProtocolVersion, Event: ev}
		if err := sc.tx.Enqueue(ctx, p, n, time.Time{}); err != nil {
			return err
		}
	}
	return nil
}

// Expire gives back the protocols that were taken longer than reviewLimit ago,
// and those whose reviewer works in the center no more. It is called by the clock
// and returns how many it gave back. One that cannot be given back does not keep
// the others.
func (s *Protocols) Expire(ctx context.Context) (int, error) {
	const batch = 100
	ids, err := s.store.ExpiredProtocols(ctx, s.now().Add(-reviewLimit), batch)
	if err != nil {
		return 0, fmt.Errorf("expired protocols: %w", err)
	}
	ended := 0
	var failed []error
	for _, id := range ids {
		expired := false
		err := inExam(ctx, s.store, s.now, System, id, func(ctx context.Context, sc *examScene) error {
			expired = false
			if sc.exam.ReviewerID == 0 {
				return nil // given back or decided meanwhile
			}
			reviewer, err := sc.tx.ActorByID(ctx, sc.exam.ReviewerID)
			if err != nil && AsError(err).Kind != NotFound {
				return err
			}
			if sc.exam.TakenAt.After(sc.now.Add(-reviewLimit)) && isStaffOf(reviewer, sc.exam.CenterID) == nil {
				return nil
			}
			expired = true
			return sc.moveProtocol(ctx, ProtocolExpire, "")
		})
		switch {
		case err != nil:
			failed = append(failed, fmt.Errorf("expire protocol of exam %d: %w", id, err))
		case expired:
			ended++
		}
	}
	return ended, errors.Join(failed...)
}

// ProtocolDocument is the scan of a version of a protocol on its way to a person.
type ProtocolDocument struct {
	Document // its name is the protocol's number with the ending of the file
	Exam     Exam
	Protocol Protocol
}

// Document returns the scan of a version of an exam's protocol, 0 for the newest:
// a picture without its metadata.
func (s *Protocols) Document(ctx context.Context, by Actor, examID int64, version int) (*ProtocolDocument, error) {
	e, err := s.store.Exam(ctx, by, examID)
	if err != nil {
		return nil, fmt.Errorf("document of exam %d: %w", examID, err)
	}
	if e.ProtocolVersion == 0 {
		return nil, refuse(Conflict, ReasonProtocolNoFile)
	}
	p, err := s.store.Protocol(ctx, examID, cmp.Or(version, e.ProtocolVersion))
	if err != nil {
		return nil, fmt.Errorf("document of exam %d: %w", examID, err)
	}
	f, err := s.store.File(ctx, p.CleanSHA)
	if err != nil {
		return nil, fmt.Errorf("document of exam %d: %w", examID, err)
	}
	return &ProtocolDocument{Document: storedDocument(s.files, p.Number+endingOf(f.Type), f), Exam: *e, Protocol: *p}, nil
}
