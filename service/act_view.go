package service

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"
)

// ActView is an act with what its card shows and what the reader may do.
type ActView struct {
	Act      Act
	Cohort   Cohort
	Partner  Org
	Learners int
	Printed  bool     // the document of the current version lies in the file store
	Newest   *Journal // newest version of the cohort's journal, nil before the first
	Sent     *Journal // the version that the act was sent with, nil before
	Files    []JournalFile
	Holder   *Holder // who has taken this act
	Blocker  *Holder // who holds this or another act of the cohort
	Today    Day     // in the partner's zone
	Overdue  bool
	Decided  *History   // who approved, rejected or cancelled it, and when; nil while it is open
	Offers   []ActEvent // in the order of actTable
}

// View returns an act as the actor sees it, or NotFound.
func (s *Acts) View(ctx context.Context, by Actor, id int64) (*ActView, error) {
	a, err := s.store.Act(ctx, by, id)
	if err != nil {
		return nil, fmt.Errorf("view act %d: %w", id, err)
	}
	sc, err := s.look(ctx, by, a.CohortID)
	if err != nil {
		return nil, fmt.Errorf("view act %d: %w", a.ID, err)
	}
	if a, err = sc.act(a.ID); err != nil {
		return nil, err
	}
	m, err := sc.moveOf(ctx, a, deed{by: by})
	if err != nil {
		return nil, fmt.Errorf("view act %d: %w", a.ID, err)
	}
	v := &ActView{
		Act: *a, Cohort: *sc.cohort, Partner: *sc.partner, Newest: sc.newest, Sent: m.sent,
		Blocker: m.holder, Today: m.today, Offers: actTable.Offers(a.Status, m),
	}
	if v.Overdue, err = sc.overdue(ctx, a); err != nil {
		return nil, fmt.Errorf("view act %d: %w", a.ID, err)
	}
	if a.ReviewerID != 0 {
		v.Holder = m.holder
	}
	if v.Decided, err = decided(ctx, s.store, a); err != nil {
		return nil, fmt.Errorf("view act %d: %w", a.ID, err)
	}
	if v.Sent != nil {
		if v.Files, err = s.store.JournalFiles(ctx, v.Sent.ID); err != nil {
			return nil, fmt.Errorf("view act %d: %w", a.ID, err)
		}
	}
	version, err := s.store.ActVersion(ctx, a.ID, a.Version)
	if err != nil {
		return nil, fmt.Errorf("view act %d: %w", a.ID, err)
	}
	v.Printed = version.FileSHA != ""
	if v.Learners, err = formLearners(version); err != nil {
		return nil, fmt.Errorf("view act %d: %w", a.ID, err)
	}
	return v, nil
}

// decided returns the step that brought an act to where somebody has decided on
// it; nil while nobody has. It is not always the last: a rejected act can be
// generated anew.
func decided(ctx context.Context, q Queries, a *Act) (*History, error) {
	switch a.Status {
	case ActAwaitingJournal, ActInApproval:
		return nil, nil //nolint:nilnil // nobody is an answer, not an error
	case ActRejected, ActApproved, ActCancelled:
	}
	steps, err := q.HistoryOf(ctx, SubjectAct, a.ID, historyLimit)
	if err != nil {
		return nil, err
	}
	for i := len(steps) - 1; i >= 0; i-- {
		if h := &steps[i]; h.ToStatus == string(a.Status) && h.FromStatus != h.ToStatus {
			return h, nil
		}
	}
	return nil, nil //nolint:nilnil // likewise
}

// look is enter for readers: it locks nothing and can change nothing.
func (s *Acts) look(ctx context.Context, by Actor, cohortID int64) (*scene, error) {
	sc := &scene{q: s.store, by: by, now: s.now().UTC()}
	var err error
	if sc.cohort, err = s.store.Cohort(ctx, by, cohortID); err != nil {
		return nil, err
	}
	if sc.partner, err = s.store.Org(ctx, sc.cohort.PartnerID); err != nil {
		return nil, err
	}
	if sc.acts, err = s.store.ActsOfCohort(ctx, cohortID); err != nil {
		return nil, err
	}
	if sc.cohort.JournalVersion > 0 {
		sc.newest, err = s.store.Journal(ctx, cohortID, sc.cohort.JournalVersion)
	}
	return sc, err
}

// CohortView is a cohort with what its card shows and what the reader may do.
type CohortView struct {
	Cohort      Cohort
	Partner     Org
	Acts        []Act // in the order of their numbers
	Newest      *Journal
	Today       Day // in the partner's zone
	Generation  Generation
	CanGenerate bool // the button «Сгенерировать акт» is drawn
	// CanUpload is ActSubmit or ActReplace when the reader may send a journal now
	// («Журнал и скриншоты», «Заменить журнал»), else "".
	CanUpload ActEvent
}

// Rejected lists the acts that wait for what was rejected to be replaced. Acts
// that one journal made fall together have one comment: the first stands for
// them.
func (v *CohortView) Rejected() []Act {
	var out []Act
	for _, a := range v.Acts {
		known := slices.ContainsFunc(out, func(o Act) bool { return o.Comment == a.Comment })
		if a.Status == ActRejected && !known {
			out = append(out, a)
		}
	}
	return out
}

// Cohort returns a cohort as the actor sees it, or NotFound.
func (s *Acts) Cohort(ctx context.Context, by Actor, id int64) (*CohortView, error) {
	sc, err := s.look(ctx, by, id)
	if err != nil {
		return nil, fmt.Errorf("view cohort %d: %w", id, err)
	}
	v := &CohortView{Cohort: *sc.cohort, Partner: *sc.partner, Acts: sc.acts, Newest: sc.newest}
	if v.Today, err = sc.today(); err != nil {
		return nil, fmt.Errorf("view cohort %d: %w", id, err)
	}
	eligible, err := s.store.EligibleCount(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("view cohort %d: %w", id, err)
	}
	v.Generation = generation(sc.cohort.Ended(v.Today), eligible)
	v.CanGenerate = v.Generation.Status == GenerationReady && by.In(RolePartnerRep, sc.cohort.PartnerID)
	for i := range sc.acts {
		m, err := sc.moveOf(ctx, &sc.acts[i], deed{by: by})
		if err != nil {
			return nil, fmt.Errorf("view cohort %d: %w", id, err)
		}
		for _, ev := range actTable.Offers(sc.acts[i].Status, m) {
			if ev == ActReplace || ev == ActSubmit && v.CanUpload == "" {
				v.CanUpload = ev // replacing concerns every act that waits, too
			}
		}
	}
	return v, nil
}

// ActNotice tells the partner's representatives that their act was decided.
type ActNotice struct {
	ActID    int64    `json:"act_id"`
	Revision int      `json:"revision"` // of the act after the move
	Event    ActEvent `json:"event"`    // ActApprove, ActReject or ActFall
}

// NoticeKind names the notice.
func (n ActNotice) NoticeKind() string {
	if n.Event == ActApprove {
		return "act_approved"
	}
	return "act_rejected"
}

// NoticeLane is the lane of decisions.
func (ActNotice) NoticeLane() Lane { return LaneDecision }

// NoticeKey keeps every decision.
func (ActNotice) NoticeKey() string { return "" }

// QueueNotice tells a reviewer that packages have come. It is gathered: three
// hundred packages are one message.
type QueueNotice struct{}

// NoticeKind names the notice.
func (QueueNotice) NoticeKind() string { return "queue" }

// NoticeLane is the lane of news.
func (QueueNotice) NoticeLane() Lane { return LaneNews }

// NoticeKey keeps one for each reviewer.
func (QueueNotice) NoticeKey() string { return "queue" }

// QueueChangedNotice renews the queue's card of a reviewer in place, without a
// sound.
type QueueChangedNotice struct{}

// NoticeKind names the notice.
func (QueueChangedNotice) NoticeKind() string { return "queue_changed" }

// NoticeLane is the lane of news.
func (QueueChangedNotice) NoticeLane() Lane { return LaneNews }

// NoticeKey keeps one for each reviewer.
func (QueueChangedNotice) NoticeKey() string { return "queue_changed" }

// ReviewEndedNotice tells a reviewer that a review ended without them.
type ReviewEndedNotice struct {
	ActID int64    `json:"act_id"`
	Event ActEvent `json:"event"` // ActFall or ActExpire
}

// NoticeKind names the notice.
func (ReviewEndedNotice) NoticeKind() string { return "review_ended" }

// NoticeLane is the lane of decisions.
func (ReviewEndedNotice) NoticeLane() Lane { return LaneDecision }

// NoticeKey keeps every one.
func (ReviewEndedNotice) NoticeKey() string { return "" }

// PrintedNotice brings the printed act, or why it could not be printed, to
// whoever generated it.
type PrintedNotice struct {
	ActID   int64  `json:"act_id"`
	Version int    `json:"version"`
	Rune    string `json:"rune,omitempty"`    // the letter that cannot be printed
	Learner string `json:"learner,omitempty"` // number of the application in whose row it stands
}

// NoticeKind names the notice.
func (PrintedNotice) NoticeKind() string { return "act_printed" }

// NoticeLane is the lane of answers.
func (PrintedNotice) NoticeLane() Lane { return LaneAnswer }

// NoticeKey keeps every one.
func (PrintedNotice) NoticeKey() string { return "" }

// tell writes the notices that follow from a move to whoever must act next, or
// has just lost something. Reviewer is who held the act before the move.
func (sc *scene) tell(ctx context.Context, a *Act, d deed, reviewer int64) error {
	var people []int64
	var n Notice
	var err error
	switch d.event {
	case ActSubmit, ActResend, ActReplace:
		n = QueueNotice{}
		if !sc.queueTold { // once for all acts of one upload
			people, err = sc.tx.PeopleWith(ctx, RoleOperatorRep, tellLimit)
		}
		sc.queueTold = true
	case ActApprove, ActReject, ActFall:
		n = ActNotice{ActID: a.ID, Revision: a.Revision, Event: d.event}
		people, err = sc.tx.PeopleIn(ctx, RolePartnerRep, a.PartnerID, tellLimit)
	case ActExpire, ActTake, ActRelease, ActRegenerate, ActCancel:
	}
	if err != nil {
		return err
	}
	for _, p := range people {
		own := n
		if p == d.person { // whoever pressed sees the answer at once
			if n.NoticeKind() != (QueueNotice{}).NoticeKind() {
				continue
			}
			own = QueueChangedNotice{} // but their queue has one package more
		}
		if err := sc.tx.Enqueue(ctx, p, own, time.Time{}); err != nil {
			return err
		}
	}
	if err := sc.tellQueueChanged(ctx, a, d, reviewer); err != nil {
		return err
	}
	if (d.event == ActFall || d.event == ActExpire) && reviewer != 0 && reviewer != d.person {
		return sc.tx.Enqueue(ctx, reviewer, ReviewEndedNotice{ActID: a.ID, Event: d.event}, time.Time{})
	}
	return nil
}

// tellQueueChanged renews the queue's cards after a move that changes what they
// count and that brings no news by itself. Reviewer is who held the act before
// the move.
func (sc *scene) tellQueueChanged(ctx context.Context, a *Act, d deed, reviewer int64) error {
	switch d.event {
	case ActTake, ActRelease, ActExpire: // only what somebody has taken
		return sc.tx.Enqueue(ctx, cmp.Or(reviewer, a.ReviewerID), QueueChangedNotice{}, time.Time{})
	case ActApprove, ActReject, ActFall:
	case ActCancel:
		if a.SubmittedAt == nil {
			return nil // it never was in the queue
		}
	case ActSubmit, ActResend, ActReplace, ActRegenerate:
		return nil
	}
	if sc.cardTold {
		return nil
	}
	sc.cardTold = true
	people, err := sc.tx.PeopleWith(ctx, RoleOperatorRep, tellLimit)
	if err != nil {
		return err
	}
	for _, p := range people {
		if err := sc.tx.Enqueue(ctx, p, QueueChangedNotice{}, time.Time{}); err != nil {
			return err
		}
	}
	return nil
}
