package service

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"flowbot/service/fsm"
)

// SettleBatch is the job that decides the pages of a batch, once all are read.
type SettleBatch struct {
	BatchID int64 `json:"batch_id"`
}

// Kind names the job.
func (SettleBatch) Kind() string { return "settle_batch" }

// JobOptions bound the tries: a person waits for the answer.
func (SettleBatch) JobOptions() JobOptions { return JobOptions{MaxAttempts: 5} }

// Settle is the job SettleBatch. The exam, if nobody has said it, is the one that
// all pages which the machine is certain of belong to; when there is none, or
// there are several, the person is asked. Then every page is decided in one
// transaction: it becomes the scan of its application, a question, or nothing.
// Settle does nothing while something of the batch is still worked.
func (s *ScanBatches) Settle(ctx context.Context, j SettleBatch) error {
	if err := s.settle(ctx, j.BatchID); err != nil {
		return fmt.Errorf("settle batch %d: %w", j.BatchID, err)
	}
	return nil
}

// GiveUpSettle tells who sent a batch that it could not be settled: once, however
// often the clock has it tried again, until it was.
func (s *ScanBatches) GiveUpSettle(ctx context.Context, j SettleBatch) error {
	err := s.store.InTx(ctx, func(ctx context.Context, tx Tx) error {
		b, err := tx.ScanBatchForUpdate(ctx, j.BatchID)
		if err != nil || b.GivenUpAt != nil || b.State == BatchCancelled {
			return err
		}
		now := s.now().UTC()
		b.GivenUpAt = &now
		if err := tx.SaveScanBatch(ctx, b); err != nil {
			return err
		}
		return tx.Enqueue(ctx, b.PersonID, FailedNotice{Job: j.Kind()}, time.Time{})
	})
	if err != nil {
		return fmt.Errorf("give up batch %d: %w", j.BatchID, err)
	}
	return nil
}

func (s *ScanBatches) settle(ctx context.Context, id int64) error {
	b, err := s.store.ScanBatch(ctx, id)
	if err != nil || b.State == BatchCancelled {
		return err
	}
	if soon, err := s.awaitFiles(ctx, b); err != nil || !soon {
		return err
	}
	examID := b.ExamID
	if examID == 0 {
		votes, err := s.votes(ctx, s.store, b)
		if err != nil {
			return err
		}
		if len(votes) != 1 {
			return s.ask(ctx, id)
		}
		for only := range votes {
			examID = only
		}
	}
	if _, err := s.lists.of(ctx, s.store, b.CenterID, []int64{examID}); err != nil { // while nobody waits for the exam
		return err
	}
	return inExam(ctx, s.store, s.now, System, examID, func(ctx context.Context, sc *examScene) error {
		return s.settleIn(ctx, sc, id)
	})
}

// votes counts, by exam, the pages of a batch that the machine is certain of.
func (s *ScanBatches) votes(ctx context.Context, q Queries, b *ScanBatch) (map[int64]int, error) {
	votes, err := q.ScanVotes(ctx, b.ID)
	if err != nil {
		return nil, fmt.Errorf("exams of batch %d: %w", b.ID, err)
	}
	return votes, nil
}

// choicesOf puts the exams that pages speak for first.
func choicesOf(list []ExamItem, votes map[int64]int) []ExamChoice {
	out := make([]ExamChoice, 0, len(list))
	for _, e := range list {
		out = append(out, ExamChoice{e, votes[e.ID]})
	}
	slices.SortStableFunc(out, func(a, b ExamChoice) int { return cmp.Compare(b.Pages, a.Pages) })
	return out
}

// ask has the person say which exam a batch is of. A batch without a page that
// anything was read on has no exam to be found: it is settled as it is.
func (s *ScanBatches) ask(ctx context.Context, id int64) error {
	return s.store.InTx(ctx, func(ctx context.Context, tx Tx) error {
		b, pages, err := s.toSettle(ctx, tx, id)
		if err != nil || b == nil || b.ExamID != 0 {
			return err
		}
		for i := range pages {
			if pages[i].opinion() != PageAside {
				if err := s.moveBatch(ctx, tx, System, b, BatchAsk); err != nil {
					return err
				}
				if err := b.renew(ctx, tx, time.Time{}); err != nil {
					return err
				}
				return tx.Enqueue(ctx, b.PersonID, BatchChooseNotice{BatchID: b.ID}, time.Time{})
			}
		}
		sc := &examScene{tx: tx, by: System, now: s.now().UTC()}
		for i := range pages {
			if err := sc.movePage(ctx, &pages[i], PageEventAside, pages[i].Rule); err != nil {
				return err
			}
		}
		return s.report(ctx, tx, b)
	})
}

// toSettle holds a batch and its undecided pages; nil when it is not time.
func (s *ScanBatches) toSettle(ctx context.Context, tx Tx, id int64) (*ScanBatch, []ScanPage, error) {
	b, err := tx.ScanBatchForUpdate(ctx, id)
	if err != nil {
		return nil, nil, err
	}
	if b.State == BatchChoosing || b.State == BatchCancelled {
		return nil, nil, nil
	}
	files, waiting, err := tx.ScanWaiting(ctx, id)
	if err != nil || files+waiting > 0 {
		return nil, nil, err
	}
	pages, err := tx.PagesToSettle(ctx, id)
	return b, pages, err
}

// report ends a batch and tells those who wait for it. Pages that were read anew later
// report nothing.
func (s *ScanBatches) report(ctx context.Context, tx Tx, b *ScanBatch) error {
	b.GivenUpAt = nil
	if b.State == BatchSettled {
		return tx.SaveScanBatch(ctx, b)
	}
	if err := s.moveBatch(ctx, tx, System, b, BatchSettle); err != nil {
		return err
	}
	if err := b.renew(ctx, tx, time.Time{}); err != nil {
		return err
	}
	for _, person := range b.hear() {
		if err := tx.Enqueue(ctx, person, BatchReportNotice{BatchID: b.ID}, time.Time{}); err != nil {
			return err
		}
	}
	return nil
}

// hear lists who is told what came of a batch: its sender, and the colleague who
// went on with it.
func (b *ScanBatch) hear() []int64 {
	if b.ChosenBy == 0 || b.ChosenBy == b.PersonID {
		return []int64{b.PersonID}
	}
	return []int64{b.PersonID, b.ChosenBy}
}

// settleIn decides the pages of a batch of the scene's exam.
func (s *ScanBatches) settleIn(ctx context.Context, sc *examScene, id int64) error {
	b, pages, err := s.toSettle(ctx, sc.tx, id)
	if err != nil || b == nil || b.ExamID != 0 && b.ExamID != sc.exam.ID {
		return err
	}
	b.ExamID = sc.exam.ID
	list, err := s.lists.of(ctx, sc.tx, b.CenterID, []int64{sc.exam.ID})
	if err != nil {
		return err
	}
	applications, err := sc.tx.ApplicationsForUpdate(ctx, sc.exam.ID, nil)
	if err != nil {
		return err
	}
	files, err := sc.tx.ScanFiles(ctx, id)
	if err != nil {
		return err
	}
	later := &laterHistory{Tx: sc.tx}
	sc.tx = later
	t := &settlement{
		scans: s.scans, sc: sc, batchID: id, sender: b.PersonID, again: b.State == BatchSettled, names: make(map[int64]string, len(files)),
		list: list, applications: make(map[int64]*Application, len(applications)),
	}
	for _, f := range files {
		t.names[f.ID] = f.Name
	}
	for i := range applications {
		t.applications[applications[i].ID] = &applications[i]
	}
	for i := range pages {
		pages[i].ExamID = sc.exam.ID
		r, err := pages[i].ReadingOf()
		if err != nil {
			return fmt.Errorf("evidence of page %d: %w", pages[i].ID, err)
		}
		if r != nil {
			r = r.against(list.Certificates)
		}
		t.pages = append(t.pages, &verdict{page: &pages[i], reading: r})
	}
	for _, step := range []func(context.Context) error{t.sortOut, t.match, t.rivals, t.together, t.readBlanks, t.named, t.conclude} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	if err := later.write(ctx); err != nil {
		return err
	}
	return s.report(ctx, sc.tx, b)
}

// laterHistory is a transaction in which what happens is noted at the end, all at
// once: a batch has hundreds of pages, and each is noted in three histories.
type laterHistory struct {
	Tx
	steps []History
}

// AddHistory implements HistoryCommands.
func (l *laterHistory) AddHistory(_ context.Context, h History) error {
	l.steps = append(l.steps, h)
	return nil
}

func (l *laterHistory) write(ctx context.Context) error {
	steps := l.steps
	l.steps = nil
	if len(steps) == 0 {
		return nil
	}
	return l.AddHistories(ctx, steps)
}

// settlement is the pages of a batch while they are decided. The exam and its
// applications are held.
type settlement struct {
	scans        *Scans
	sc           *examScene
	batchID      int64
	sender       int64            // of the batch
	again        bool             // the batch was settled before: its pages were questions
	names        map[int64]string // of its files
	list         *PageList
	applications map[int64]*Application // of the exam
	pages        []*verdict             // in the order in which they came
	questions    map[int64][]rival      // by application; see rivals
}

// rival is a page that a person has to decide on, and that surely bears the number
// of an application.
type rival struct {
	pageID int64
	blank  BlankKey // zero: unread
}

// verdict is what becomes of a page.
type verdict struct {
	page        *ScanPage
	reading     *PageReading // nil: it could not be read
	event       PageEvent    // "" while it is not decided
	rule        MatchRule
	application *Application // whose it is, or seems to be
	twin        int64        // see ScanPage.TwinID
	blank       BlankKey     // zero: unread
}

func (v *verdict) ask(rule MatchRule, twin int64) {
	v.event, v.rule, v.twin = PageEventAsk, rule, twin
}

func (v *verdict) aside(rule MatchRule, twin int64) {
	v.event, v.rule, v.twin = PageEventAside, rule, twin
}

// open lists the verdicts that are still to come, of those that have an
// application.
func (t *settlement) open() []*verdict {
	return slices.DeleteFunc(slices.Clone(t.pages), func(v *verdict) bool { return v.event != "" })
}

// sortOut sets aside what nothing can come of.
func (t *settlement) sortOut(ctx context.Context) error {
	for _, v := range t.pages {
		switch {
		case v.page.NoPage():
			v.aside(v.page.Rule, 0)
			continue
		case v.reading == nil || v.page.Rule == PageRuleUnreadable:
			v.aside(PageRuleUnreadable, 0)
			continue
		case v.reading.Empty:
			v.aside(MatchEmpty, 0)
			continue
		}
		before, err := t.sc.tx.PageBefore(ctx, t.sc.exam.ID, v.page.SHA, v.page.ID)
		if err != nil {
			return err
		}
		if before != nil {
			v.application = t.applications[before.ApplicationID]
			v.aside(PageRuleDuplicate, before.ID)
		}
	}
	return nil
}

// match finds the application of each page.
func (t *settlement) match(ctx context.Context) error {
	for _, v := range t.open() {
		id, rule := MatchPage(t.list.Certificates, v.reading)
		switch {
		case id != 0:
			v.application, v.rule = t.applications[id], rule
			v.blank = t.blankOf(v.reading)
		case rule == MatchForeign:
			if err := t.foreign(ctx, v); err != nil {
				return err
			}
		default:
			v.ask(rule, 0)
			v.application = t.applications[claimOf(t.list.Certificates, v.reading)]
		}
	}
	return nil
}

// rivals finds the questions that claim an application of the exam: those that are
// open, of whatever batch, and those that were just asked.
func (t *settlement) rivals(ctx context.Context) error {
	open, err := t.sc.tx.QuestionsOf(ctx, t.sc.exam.ID)
	if err != nil {
		return err
	}
	t.questions = make(map[int64][]rival)
	for i := range open {
		p := &open[i]
		r, err := p.ReadingOf()
		if err != nil {
			return fmt.Errorf("evidence of page %d: %w", p.ID, err)
		}
		one := rival{pageID: p.ID}
		id := p.ApplicationID
		if r != nil {
			one.blank = t.blankOf(r)
			id = cmp.Or(claimOf(t.list.Certificates, r), id)
		}
		t.questions[id] = append(t.questions[id], one)
	}
	for _, v := range t.pages {
		if v.event == PageEventAsk && v.application != nil {
			id := v.application.ID
			t.questions[id] = append(t.questions[id], rival{v.page.ID, t.blankOf(v.reading)})
		}
	}
	return nil
}

// rivalOf is a question that claims the application of a page too, and is not the
// same certificate on the same blank; 0 for none.
func (t *settlement) rivalOf(v *verdict) int64 {
	for _, r := range t.questions[v.application.ID] {
		if v.blank.Number == "" || v.blank != r.blank {
			return r.pageID
		}
	}
	return 0
}

// foreign decides a page with a sure number that is not on the list.
func (t *settlement) foreign(ctx context.Context, v *verdict) error {
	v.ask(MatchForeign, 0)
	number := v.reading.Number
	if strings.ContainsRune(number, '?') {
		number = v.reading.NumberSecond
	}
	a, err := t.sc.tx.NumberInCenter(ctx, t.sc.exam.CenterID, number)
	if err != nil {
		return err
	}
	if a != nil {
		if t.applications[a.ID] != nil {
			return nil
		}
		v.application = a
		repeats, twin, err := t.sc.repeats(ctx, v.page, a)
		if repeats {
			v.aside(PageRuleDuplicate, twin)
		} else {
			v.ask(PageRuleOtherExam, 0)
		}
		return err
	}
	// Who is entitled no more has lost their number, too.
	id, err := t.sc.tx.PrintedFor(ctx, t.sc.exam.ID, number)
	if err != nil {
		return err
	}
	if own := t.applications[id]; own != nil && !own.Entitled() {
		v.aside(PageRuleNotEntitled, 0)
		v.application = own
	}
	return nil
}

// blankOf is the number of the blank, if it was read and the printing house has
// such numbers.
func (t *settlement) blankOf(r *PageReading) BlankKey { return blankOn(&t.list.Profile, r) }

// together looks at all pages of each application at once, and at the scan that
// it has: whatever is not the same certificate on the same blank contradicts.
func (t *settlement) together(ctx context.Context) error {
	groups := make(map[int64][]*verdict)
	var order []int64
	for _, v := range t.open() {
		id := v.application.ID
		if groups[id] == nil {
			order = append(order, id)
		}
		groups[id] = append(groups[id], v)
	}
	for _, id := range order {
		if err := t.claims(ctx, t.applications[id], groups[id]); err != nil {
			return err
		}
	}
	return nil
}

// claims decides the pages that are one application's.
func (t *settlement) claims(ctx context.Context, a *Application, pages []*verdict) error {
	var loaded *ScanPage // the page that became its scan
	if a.ScanID != 0 {
		var err error
		if loaded, err = t.sc.tx.PageOfScan(ctx, a.ScanID); err != nil {
			return err
		}
		twin := int64(0)
		if loaded != nil {
			twin = loaded.ID
		}
		same := BlankKey{a.BlankSeries, a.BlankNumber}
		for _, v := range pages {
			repeats, _, err := t.sc.repeats(ctx, v.page, a)
			if err != nil {
				return err
			}
			if repeats || same.Number != "" && v.blank == same {
				v.aside(PageRuleDuplicate, twin)
			}
		}
		pages = undecided(pages)
	}
	if len(pages) > 1 {
		first := pages[0]
		for _, v := range pages[1:] {
			if v.blank.Number != "" && v.blank == first.blank {
				v.aside(PageRuleDuplicate, first.page.ID)
			}
		}
		pages = undecided(pages)
	}
	switch {
	case len(pages) == 0:
		return nil
	case a.ScanID != 0:
		return t.against(ctx, a, loaded, pages)
	case len(pages) > 1:
		askBoth(pages, 0)
		return nil
	}
	if twin := t.rivalOf(pages[0]); twin != 0 {
		pages[0].ask(PageRuleTwice, twin)
	}
	return nil
}

// repeats tells whether a page is, byte for byte, the one that stands as the scan
// of an application, and which page of a batch that is; 0 for one that came by hand.
func (sc *examScene) repeats(ctx context.Context, p *ScanPage, a *Application) (same bool, twin int64, err error) {
	if a.ScanID == 0 || p.SHA == "" {
		return false, 0, nil
	}
	scan, err := sc.tx.Scan(ctx, a.ScanID)
	if err != nil || p.SHA != scan.FileSHA && p.SHA != scan.PageSHA {
		return false, 0, err
	}
	first, err := sc.tx.PageOfScan(ctx, a.ScanID)
	if err != nil || first == nil {
		return true, 0, err
	}
	return true, first.ID, nil
}

// undecided leaves out what is decided.
func undecided(pages []*verdict) []*verdict {
	return slices.DeleteFunc(slices.Clone(pages), func(v *verdict) bool { return v.event != "" })
}

// askBoth makes questions of pages that contradict each other, or a page that is
// loaded.
func askBoth(pages []*verdict, loaded int64) {
	for i, v := range pages {
		twin := loaded
		if twin == 0 {
			twin = pages[0].page.ID
			if i == 0 {
				twin = pages[1].page.ID
			}
		}
		v.ask(PageRuleTwice, twin)
	}
}

// against decides pages of an application that has a scan of another certificate,
// or of another blank. If that was the machine's doing, or a person's for whose
// choice no reading spoke, and has not gone out, it is taken back: one of them must
// be wrong.
func (t *settlement) against(ctx context.Context, a *Application, loaded *ScanPage, pages []*verdict) error {
	if loaded != nil && (loaded.DecidedBy == 0 || loaded.Rule == PageRulePerson) {
		held, err := t.sc.tx.ScanPageForUpdate(ctx, loaded.ID)
		if err != nil {
			return err
		}
		held.TwinID = pages[0].page.ID
		err = t.scans.detachPage(ctx, t.sc, held, a, PageEventAsk, PageRuleTwice)
		if err == nil {
			askBoth(pages, loaded.ID)
			return nil
		}
		if r := ReasonOf(err); r != ReasonPageDelivered && r != ReasonHandedAlready {
			return err
		}
	}
	for _, v := range pages {
		twin := int64(0)
		if loaded != nil {
			twin = loaded.ID
		}
		v.ask(PageRuleLoaded, twin)
	}
	return nil
}

// readBlanks holds the numbers of the blanks against each other and against what
// is known of them.
func (t *settlement) readBlanks(ctx context.Context) error {
	bear := make(map[BlankKey][]*verdict)
	for _, v := range t.open() {
		if v.blank.Number != "" {
			bear[v.blank] = append(bear[v.blank], v)
		}
	}
	for _, v := range t.open() {
		if v.blank.Number == "" {
			continue
		}
		if both := bear[v.blank]; len(both) > 1 {
			i := slices.IndexFunc(both, func(o *verdict) bool { return o != v })
			v.ask(PageRuleBlankTwice, both[i].page.ID)
			continue
		}
		rule, err := blankRule(ctx, t.sc, v.application, v.blank)
		if err != nil {
			return err
		}
		if rule != "" {
			v.ask(rule, 0)
		}
	}
	return nil
}

// blankRule is what speaks against a blank that was read on the page of an
// application, "" if nothing does. That the house has such numbers was asked of
// the blank that was printed on, which need not be the one of today.
func blankRule(ctx context.Context, sc *examScene, a *Application, key BlankKey) (MatchRule, error) {
	outside, err := checkFree(ctx, sc.tx, sc.exam, a, key)
	var refused *Error
	switch {
	case err == nil && outside:
		return PageRuleBlankOutside, nil
	case err == nil:
		return "", nil
	case !errors.As(err, &refused):
		return "", err
	}
	if fault, ok := refused.Data.(BlankFault); ok && fault.State == BlankSpoiled {
		return PageRuleBlankSpoiled, nil
	}
	return PageRuleBlankUsed, nil
}

// named holds what the files are called against what was read on their pages. A
// name is a person's word: it attaches nothing, and one that names another
// application than the page does makes a question of it.
func (t *settlement) named(ctx context.Context) error {
	called, err := calledScans(ctx, t.sc.tx, t.batchID)
	if err != nil {
		return err
	}
	elsewhere, err := t.sc.tx.NumberedInCenter(ctx, t.sc.exam.ID, slices.Collect(maps.Values(called)))
	if err != nil {
		return err
	}
	own := make([]Application, 0, len(t.applications))
	for _, a := range t.applications {
		own = append(own, *a)
	}
	names := NewScanNames(own, elsewhere)
	for _, v := range t.pages {
		v.page.NamedID = names.Of(called[v.page.ID])
		if id := v.page.NamedID; v.event == "" && id != 0 && id != v.application.ID {
			v.ask(PageRuleNamed, 0)
		}
	}
	return nil
}

// conclude writes down what becomes of each page.
func (t *settlement) conclude(ctx context.Context) error {
	for _, v := range t.pages {
		seemed := v.page.ApplicationID
		v.page.TwinID = v.twin
		v.page.ApplicationID = 0
		if v.application != nil {
			v.page.ApplicationID = v.application.ID
		}
		var err error
		if v.event == "" {
			err = t.scans.attachPage(ctx, t.sc, v.page, v.application, pageLoad{
				Event: PageEventMatch, Rule: v.rule, Blank: v.blank, Supported: true, FileName: t.names[v.page.FileID], By: t.sender,
			})
		} else {
			err = t.sc.movePage(ctx, v.page, v.event, v.rule)
		}
		if err != nil {
			return fmt.Errorf("page %d: %w", v.page.ID, err)
		}
		if !t.again || v.event == PageEventAsk {
			continue
		}
		if err := release(ctx, t.sc.tx, seemed, t.sc.now); err != nil {
			return err
		}
	}
	return nil
}

// pageLoad says how a page becomes the scan of an application.
type pageLoad struct {
	Event     PageEvent // PageEventMatch or PageEventChoose
	Rule      MatchRule
	Blank     BlankKey // of the certificate, checked; zero: nobody has read it
	Mistaken  bool     // the blank of the scan that it replaces was said by mistake: it is free, not spoiled
	Supported bool     // readings of the machine agree with whose it is
	FileName  string   // of the page's file, as the sender called it
	By        int64    // who loads it: for the machine who sent the batch
}

// attachPage makes a page the scan of an application; both are held, and the
// blank was checked. A scan that stands is replaced: whoever calls has made sure
// that this is meant. The page is moved and saved, and the delivery scheduled.
func (s *Scans) attachPage(ctx context.Context, sc *examScene, p *ScanPage, a *Application, in pageLoad) error {
	from := a.Status()
	event, err := sc.replaceScan(ctx, a, in.Blank, in.Mistaken)
	if err != nil {
		return err
	}
	if in.Blank.Number != "" {
		if err := sc.blanks().use(ctx, in.Blank, a.ID); err != nil {
			return err
		}
	}
	scan := &Scan{
		ApplicationID: a.ID, FileName: cmp.Or(p.Name, in.FileName), FileSHA: p.SHA, CleanSHA: p.CleanSHA,
		BlankSeries: in.Blank.Series, BlankNumber: in.Blank.Number, Source: ScanByPage, Supported: in.Supported,
		LoadedBy: in.By, LoadedAt: sc.now,
	}
	if err := sc.insertScan(ctx, scan); err != nil {
		return err
	}
	a.BlankSeries, a.BlankNumber, a.BlankState = in.Blank.Series, in.Blank.Number, ""
	if in.Blank.Number != "" {
		a.BlankState = BlankUsed
	}
	p.ApplicationID, p.ScanID = a.ID, scan.ID
	if err := sc.movePage(ctx, p, in.Event, in.Rule); err != nil {
		return err
	}
	return s.attach(ctx, sc, a, scan, event, from)
}

// detachPage takes back that a page is the scan of its application; both are
// held. The application has no scan then, or that which this one replaced; the
// blank is free, and what was to be delivered is not. It is refused once the scan has gone to
// its candidate or is on its way, once the paper was handed over, and when another
// scan stands.
func (s *Scans) detachPage(ctx context.Context, sc *examScene, p *ScanPage, a *Application, ev PageEvent, rule MatchRule) error {
	if a.ScanID == 0 || a.ScanID != p.ScanID {
		return refuseWith(Conflict, ReasonPageSuperseded, a.fault())
	}
	if err := sc.notOut(ctx, a); err != nil {
		return err
	}
	from := a.Status()
	scan, err := sc.tx.Scan(ctx, a.ScanID)
	if err != nil {
		return err
	}
	scan.ReplacedAt = &sc.now
	if err := sc.tx.SaveScan(ctx, scan); err != nil {
		return err
	}
	old, err := sc.replacedBy(ctx, scan)
	if err != nil {
		return err
	}
	if old == nil || old.Blank() != scan.Blank() {
		if err := sc.freeBlank(ctx, a, scan.Blank()); err != nil {
			return err
		}
	}
	a.ScanID, a.ScanSource, a.DeliverAt, a.DeliveredAt = 0, "", nil, nil
	a.BlankSeries, a.BlankNumber, a.BlankState = "", "", ""
	if old != nil {
		if err := s.restore(ctx, sc, a, old); err != nil {
			return err
		}
	}
	p.ScanID = 0
	if err := sc.movePage(ctx, p, ev, rule); err != nil {
		return err
	}
	a.Revision++
	if err := sc.tx.SaveApplications(ctx, []Application{*a}); err != nil {
		return err
	}
	event := "unload_scan"
	if ev == PageEventAsk {
		event = "contradict_scan"
	}
	return sc.note(ctx, SubjectApplication, a.ID, event, string(from), string(a.Status()), scan.Blank().String())
}

// replacedBy is the scan whose place another took; nil when it took none's, or when
// that file stands at another application by now, or its blank bears, or bore, the
// certificate of another: each is at one.
func (sc *examScene) replacedBy(ctx context.Context, scan *Scan) (*Scan, error) {
	old, err := sc.tx.ScanReplacedBy(ctx, scan.ID)
	if err != nil || old == nil {
		return nil, err
	}
	files := []string{old.FileSHA, old.PageSHA}
	if err := sc.tx.HoldScanFiles(ctx, files); err != nil {
		return nil, err
	}
	elsewhere, err := sc.tx.StandsElsewhere(ctx, files, old.ApplicationID)
	if err != nil || elsewhere != 0 {
		return nil, err
	}
	blank, err := sc.tx.BlankForUpdate(ctx, old.Blank())
	if err != nil || blank != nil && blank.ApplicationID != old.ApplicationID {
		return nil, err
	}
	return old, nil
}

// restore lets a scan that was replaced stand again. Its blank bears the
// certificate again, if it was spoiled by the replacement alone. What the
// present candidate did not get of it waits for its hold anew, what was recalled
// for a person.
func (s *Scans) restore(ctx context.Context, sc *examScene, a *Application, old *Scan) error {
	old.ReplacedAt = nil
	if err := sc.tx.SaveScan(ctx, old); err != nil {
		return err
	}
	a.ScanID, a.ScanSource = old.ID, old.Source
	if old.BlankNumber != "" {
		b, err := sc.tx.BlankForUpdate(ctx, old.Blank())
		if err != nil {
			return err
		}
		a.BlankSeries, a.BlankNumber, a.BlankState = old.BlankSeries, old.BlankNumber, BlankUsed
		switch {
		case b == nil: // it was said by mistake, and that was the mistake
			err = sc.blanks().use(ctx, old.Blank(), a.ID)
		case b.State == BlankSpoiled && b.Reason == BlankReplaced:
			err = sc.blanks().bearAgain(ctx, b, "use", "")
		default:
			a.BlankState = b.State
		}
		if err != nil {
			return err
		}
	}
	list, err := sc.tx.DeliveriesOf(ctx, a.ID, mostDeliveries)
	if err != nil {
		return err
	}
	list = slices.DeleteFunc(list, func(d Delivery) bool { return d.ScanID != old.ID })
	own := slices.IndexFunc(list, func(d Delivery) bool { return d.PersonID == a.PersonID })
	switch {
	case own >= 0 && list[own].Recall == RecallNone:
		a.DeliverAt, a.DeliveredAt = &list[own].SentAt, &list[own].SentAt
	case own < 0 && (len(list) == 0 || list[0].Recall == RecallNone):
		return scheduleDelivery(ctx, sc, a, s.hold)
	}
	return nil
}

// notOut refuses an application whose scan is no longer only here.
func (sc *examScene) notOut(ctx context.Context, a *Application) error {
	if !a.HandedOn.IsZero() {
		return refuseWith(Conflict, ReasonHandedAlready, a.fault())
	}
	state, err := holdDelivery(ctx, sc.tx, a)
	if err != nil {
		return err
	}
	if a.DeliveredAt != nil || state != "" {
		return refuseWith(Conflict, ReasonPageDelivered, a.fault())
	}
	return nil
}

// freeBlank makes the blank of a scan that was taken back free again.
func (sc *examScene) freeBlank(ctx context.Context, a *Application, key BlankKey) error {
	if key.Number == "" {
		return nil
	}
	b, err := sc.tx.BlankForUpdate(ctx, key)
	if err != nil || b == nil || b.State != BlankUsed || b.ApplicationID != a.ID {
		return err
	}
	return sc.blanks().free(ctx, b, "free", "")
}

// movePage makes a move of a page, which is held with what it says of its
// application, its scan and its twin, and saves it.
func (sc *examScene) movePage(ctx context.Context, p *ScanPage, ev PageEvent, rule MatchRule) error {
	from := p.State
	to, err := pageTable.Next(from, ev, pageMove{sc.by, sc.exam})
	if errors.Is(err, fsm.ErrNoMove) {
		return movedOn(ctx, sc.tx, sc.by, SubjectPage, p.ID, err)
	}
	if err != nil {
		return err
	}
	switch {
	case ev == PageEventAsk:
		p.Asked, p.AskedForID = rule, p.ApplicationID
	case to == PageWaiting:
		p.Asked, p.AskedForID = "", 0
	}
	p.State, p.Rule, p.DecidedBy, p.DecidedAt = to, rule, sc.by.PersonID, &sc.now
	p.Revision++
	if err := sc.tx.SaveScanPage(ctx, p); err != nil {
		return err
	}
	return sc.note(ctx, SubjectPage, p.ID, string(ev), string(from), string(to), string(rule))
}

// readAgain has those pages of a batch, whose exam was just chosen, read once more
// that were not matched with it, and goes on to its end.
func (s *ScanBatches) readAgain(ctx context.Context, sc *examScene, b *ScanBatch) error {
	list, err := s.lists.of(ctx, sc.tx, b.CenterID, []int64{b.ExamID})
	if err != nil {
		return err
	}
	pages, err := sc.tx.PagesToSettle(ctx, b.ID)
	if err != nil {
		return err
	}
	for i := range pages {
		p := &pages[i]
		p.ExamID = b.ExamID
		r, err := p.ReadingOf()
		if err != nil {
			return fmt.Errorf("evidence of page %d: %w", p.ID, err)
		}
		if r != nil && !r.Empty {
			if id, _ := MatchPage(list.Certificates, r.against(list.Certificates)); id == 0 {
				if err := sc.movePage(ctx, p, PageEventAgain, ""); err != nil {
					return err
				}
				if err := sc.tx.InsertJob(ctx, ReadPage{PageID: p.ID}); err != nil {
					return err
				}
				continue
			}
		}
		if err := sc.tx.SaveScanPage(ctx, p); err != nil {
			return err
		}
	}
	if err := s.tell(ctx, sc.tx, b, true); err != nil {
		return err
	}
	return s.settleWhenDone(ctx, sc.tx, b)
}
