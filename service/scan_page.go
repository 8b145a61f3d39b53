package service

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"
)

// PageQueue is the queue of pages to be read: its workers are as many as cores,
// and long batches keep nobody else waiting.
const PageQueue = "pages"

// TakeApart is the job that fetches a file of a batch and takes its pages out.
type TakeApart struct {
	FileID int64 `json:"file_id"`
}

// Kind names the job.
func (TakeApart) Kind() string { return "take_apart" }

// JobOptions bound the tries: a person waits for the answer.
func (TakeApart) JobOptions() JobOptions { return JobOptions{MaxAttempts: 6} }

// ReadPage is the job that reads one page.
type ReadPage struct {
	PageID int64 `json:"page_id"`
}

// Kind names the job.
func (ReadPage) Kind() string { return "read_page" }

// JobOptions bound the tries and name the queue.
func (ReadPage) JobOptions() JobOptions { return JobOptions{Queue: PageQueue, MaxAttempts: 6} }

// cardPause is between two changes of a card of progress.
const cardPause = 3 * time.Second

// tell has the card of progress of a batch renewed: at most every few seconds,
// but for its first result, which a person waits for.
func (s *ScanBatches) tell(ctx context.Context, tx Tx, b *ScanBatch, isFirst bool) error {
	if b.ended() { // pages that are read anew; the report was sent
		return nil
	}
	at := time.Time{}
	switch {
	case b.ShownAt != nil:
		at = b.ShownAt.Add(cardPause)
	case !isFirst:
		at = s.now().UTC().Add(cardPause)
	}
	return b.renew(ctx, tx, at)
}

// TakeApart is the job TakeApart. Pages go to their readers as soon as they are
// out; those that an earlier run has taken are passed over. A file that cannot be
// read, or not to its end, is refused with its words, and its pages before the
// fault stand. What was decided about the file meanwhile, by whomever, stands too.
func (s *ScanBatches) TakeApart(ctx context.Context, j TakeApart) error {
	f, err := s.store.ScanFile(ctx, j.FileID)
	if err != nil {
		return fmt.Errorf("take apart file %d: %w", j.FileID, err)
	}
	if f.State != ScanFileWaiting {
		return nil
	}
	err = s.takeApart(ctx, f)
	if errors.Is(err, errFileDecided) {
		return nil
	}
	if err != nil && AsError(err).Kind == Internal {
		return fmt.Errorf("take apart file %d: %w", f.ID, err)
	}
	return s.concludeFile(ctx, f.ID, err)
}

// GiveUpTakeApart refuses a file that failed every time; the batch goes on
// without it, and an admin sees the job.
func (s *ScanBatches) GiveUpTakeApart(ctx context.Context, j TakeApart) error {
	return s.concludeFile(ctx, j.FileID, refuse(Invalid, ReasonFileUnread))
}

func (s *ScanBatches) takeApart(ctx context.Context, f *ScanFile) error {
	b, err := s.store.ScanBatch(ctx, f.BatchID)
	if err != nil {
		return err
	}
	by, err := s.store.ActorByID(ctx, b.PersonID)
	if err != nil && AsError(err).Kind != NotFound {
		return err
	}
	if err != nil || isStaffOf(by, b.CenterID) != nil { // the right has ended meanwhile
		return refuse(Forbidden, ReasonForbidden)
	}
	if f.FileSHA == "" {
		if err := s.fetch(ctx, f); err != nil {
			return err
		}
	}
	local, release, err := s.files.Local(ctx, f.FileSHA)
	if err != nil {
		return fmt.Errorf("file at hand: %w", err)
	}
	defer release()
	there, err := s.store.ScanPageNumbers(ctx, f.ID)
	if err != nil {
		return err
	}
	_, err = s.in.foreign.Pages(ctx, local, func(p ForeignPage, content io.Reader) error {
		if slices.Contains(there, p.Number) {
			return nil
		}
		return s.takePage(ctx, f, b.ID, p, content)
	})
	return err
}

// fetch brings a file from the chat and writes down where it lies.
func (s *ScanBatches) fetch(ctx context.Context, f *ScanFile) error {
	original, err := s.in.fetch(ctx, f.ChatRef)
	if err != nil {
		return err
	}
	f.FileSHA, f.Size = original.SHA256, original.Size
	return s.store.InTx(ctx, func(ctx context.Context, tx Tx) error {
		if err := tx.SaveFile(ctx, original); err != nil {
			return err
		}
		return tx.SaveScanFileContent(ctx, f.ID, f.FileSHA, f.Size)
	})
}

// errFileDecided ends the taking apart of a file that waits no more: another
// worker has done it, it was given up, or a person has cancelled it.
var errFileDecided = errors.New("the file waits no more")

// takePage stores a page and asks a worker to read it. An error of its own is
// never a refusal of the file.
func (s *ScanBatches) takePage(ctx context.Context, f *ScanFile, batchID int64, from ForeignPage, content io.Reader) error {
	page := ScanPage{BatchID: batchID, FileID: f.ID, Number: from.Number, Name: from.Name, AddedAt: s.now().UTC(), Revision: 1}
	blob := File{Type: "image/jpeg"}
	if from.Refusal == "" {
		var err error
		if blob.SHA256, blob.Size, err = s.files.Put(ctx, content); err != nil {
			return fmt.Errorf("store page %d: %w", from.Number, err)
		}
	}
	err := s.store.InTx(ctx, func(ctx context.Context, tx Tx) error {
		b, err := tx.ScanBatchForUpdate(ctx, batchID)
		if err != nil {
			return err
		}
		stands, err := tx.ScanFile(ctx, f.ID)
		if err != nil {
			return err
		}
		if stands.State != ScanFileWaiting {
			return errFileDecided
		}
		p := page
		p.ExamID, p.State, p.SHA = b.ExamID, PageWaiting, blob.SHA256
		if from.Refusal != "" {
			p.State, p.Rule, p.ReadAt = PageRead, entryRule(from.Refusal), &p.AddedAt
		} else if err := tx.SaveFile(ctx, blob); err != nil {
			return err
		}
		isNew, err := tx.InsertScanPage(ctx, &p)
		if err != nil || !isNew {
			return err
		}
		if err := tx.SaveScanFilePages(ctx, f.ID, max(stands.Pages, p.Number)); err != nil {
			return err
		}
		if p.State == PageWaiting {
			if err := tx.InsertJob(ctx, ReadPage{PageID: p.ID}); err != nil {
				return err
			}
		}
		return s.tell(ctx, tx, b, false)
	})
	if err != nil {
		return fmt.Errorf("page %d: %w", from.Number, err)
	}
	return nil
}

// concludeFile writes what has become of a file, and has the batch settled when
// nothing of it waits any more.
func (s *ScanBatches) concludeFile(ctx context.Context, fileID int64, refusal error) error {
	words := ""
	if refusal != nil {
		e := AsError(refusal)
		var err error
		if words, err = s.say(e.Reason, e.Data); err != nil {
			return fmt.Errorf("words for file %d: %w", fileID, err)
		}
	}
	seen, err := s.store.ScanFile(ctx, fileID)
	if err != nil {
		return fmt.Errorf("conclude file %d: %w", fileID, err)
	}
	err = s.store.InTx(ctx, func(ctx context.Context, tx Tx) error {
		b, err := tx.ScanBatchForUpdate(ctx, seen.BatchID)
		if err != nil {
			return err
		}
		f, err := tx.ScanFile(ctx, fileID)
		if err != nil || f.State != ScanFileWaiting {
			return err
		}
		f.State = ScanFileTakenApart
		if refusal != nil {
			f.State, f.Reason, f.Words = ScanFileRefused, ReasonOf(refusal), words
		}
		if err := tx.SaveScanFile(ctx, f); err != nil {
			return err
		}
		if err := s.tell(ctx, tx, b, false); err != nil {
			return err
		}
		return s.settleWhenDone(ctx, tx, b)
	})
	if err != nil {
		return fmt.Errorf("conclude file %d: %w", fileID, err)
	}
	return nil
}

// ReadPage is the job ReadPage: it reads the page against the list of its exam,
// or of all exams of the center that wait for scans, and writes down what was
// read. Nothing is decided by it.
func (s *ScanBatches) ReadPage(ctx context.Context, j ReadPage) error {
	p, err := s.store.ScanPage(ctx, j.PageID)
	if err != nil {
		return fmt.Errorf("read page %d: %w", j.PageID, err)
	}
	if p.State != PageWaiting {
		return nil
	}
	b, err := s.store.ScanBatch(ctx, p.BatchID)
	if err != nil {
		return fmt.Errorf("read page %d: %w", p.ID, err)
	}
	list, err := s.listFor(ctx, s.store, b)
	if err != nil {
		return fmt.Errorf("list for page %d: %w", p.ID, err)
	}
	page, err := s.bytes(ctx, p.SHA)
	if err != nil {
		return fmt.Errorf("read page %d: %w", p.ID, err)
	}
	w, err := s.work(ctx, list, page, false)
	if ReasonOf(err) == ReasonPageUnreadable {
		w, err = &workedPage{rule: PageRuleUnreadable}, nil
	}
	if err != nil {
		return fmt.Errorf("read page %d: %w", p.ID, err)
	}
	return s.concludePage(ctx, p.ID, b, w)
}

// GiveUpReadPage writes that a page that failed every time cannot be read, so
// that its batch goes on without it; an admin sees the job.
func (s *ScanBatches) GiveUpReadPage(ctx context.Context, j ReadPage) error {
	p, err := s.store.ScanPage(ctx, j.PageID)
	if err != nil {
		return fmt.Errorf("give up page %d: %w", j.PageID, err)
	}
	b, err := s.store.ScanBatch(ctx, p.BatchID)
	if err != nil {
		return fmt.Errorf("give up page %d: %w", j.PageID, err)
	}
	return s.concludePage(ctx, p.ID, b, &workedPage{rule: PageRuleUnreadable})
}

// GiveUpScans is the job of ScanBatches.GiveUpStrays.
type GiveUpScans struct{}

// Kind names the job.
func (GiveUpScans) Kind() string { return "give_up_scans" }

// JobOptions implements the options of a Job.
func (GiveUpScans) JobOptions() JobOptions { return clockJob() }

// mostStrays is how many of each are looked after at a time.
const mostStrays = 100

// GiveUpStrays goes on with batches whose jobs died with their process at the last
// try, when nobody was left to give them up: what waits is refused or unreadable,
// and what is read is settled. It returns how many it found.
func (s *ScanBatches) GiveUpStrays(ctx context.Context) (int, error) {
	files, pages, batches, err := s.store.StrayScans(ctx, mostStrays)
	if err != nil {
		return 0, fmt.Errorf("stray scans: %w", err)
	}
	for _, id := range files {
		if err := s.GiveUpTakeApart(ctx, TakeApart{FileID: id}); err != nil {
			return 0, err
		}
	}
	for _, id := range pages {
		if err := s.GiveUpReadPage(ctx, ReadPage{PageID: id}); err != nil {
			return 0, err
		}
	}
	for _, id := range batches {
		err := s.store.InTx(ctx, func(ctx context.Context, tx Tx) error {
			b, err := tx.ScanBatchForUpdate(ctx, id)
			if err != nil {
				return err
			}
			return s.settleWhenDone(ctx, tx, b)
		})
		if err != nil {
			return 0, fmt.Errorf("stray batch %d: %w", id, err)
		}
	}
	return len(files) + len(pages) + len(batches), nil
}

// concludePage writes down what came of a page, and has the batch settled when it
// was the last. read is the batch as it was when the list was made.
func (s *ScanBatches) concludePage(ctx context.Context, pageID int64, read *ScanBatch, w *workedPage) error {
	err := s.store.InTx(ctx, func(ctx context.Context, tx Tx) error {
		b, err := tx.ScanBatchForUpdate(ctx, read.ID)
		if err != nil {
			return err
		}
		p, err := tx.ScanPageForUpdate(ctx, pageID)
		if err != nil || p.State != PageWaiting { // another worker was faster
			return err
		}
		if b.ExamID != read.ExamID { // it was chosen meanwhile
			return tx.InsertJob(ctx, ReadPage{PageID: p.ID})
		}
		before, err := tx.ScanPages(ctx, b.ID, []PageState{PageRead}, 0, 1)
		if err != nil {
			return err
		}
		if err := s.writeDown(ctx, tx, p, b, w); err != nil {
			return err
		}
		if err := s.tell(ctx, tx, b, len(before) == 0); err != nil {
			return err
		}
		return s.settleWhenDone(ctx, tx, b)
	})
	if err != nil {
		return fmt.Errorf("conclude page %d: %w", pageID, err)
	}
	return nil
}

func (s *ScanBatches) writeDown(ctx context.Context, tx Tx, p *ScanPage, b *ScanBatch, w *workedPage) error {
	to, err := pageTable.Next(p.State, PageEventRead, pageMove{by: System})
	if err != nil {
		return err
	}
	for _, f := range []File{w.clean, w.thumb, w.view, w.lines} {
		if f.SHA256 == "" {
			continue
		}
		if err := tx.SaveFile(ctx, f); err != nil {
			return err
		}
	}
	now := s.now().UTC()
	if b.State == BatchSettled && p.ApplicationID != w.applicationID { // a question that is one no more for who it was
		if err := release(ctx, tx, p.ApplicationID, now); err != nil {
			return err
		}
	}
	p.State, p.Rule, p.ApplicationID, p.ExamID, p.ReadAt, p.Program = to, w.rule, w.applicationID, b.ExamID, &now, s.program
	p.Evidence = w.evidence
	p.CleanSHA, p.ThumbSHA, p.ViewSHA, p.LinesSHA = w.clean.SHA256, w.thumb.SHA256, w.view.SHA256, w.lines.SHA256
	p.TwinID, p.DecidedBy, p.DecidedAt = 0, 0, nil
	p.Revision++
	return tx.SaveScanPage(ctx, p)
}

// listFor is what the pages of a batch are read against.
func (s *ScanBatches) listFor(ctx context.Context, q Queries, b *ScanBatch) (*PageList, error) {
	if b.ExamID != 0 {
		return s.lists.of(ctx, q, b.CenterID, []int64{b.ExamID})
	}
	exams, err := q.ExamsForScans(ctx, b.CenterID, mostExams)
	if err != nil {
		return nil, err
	}
	ids := make([]int64, 0, len(exams))
	for _, e := range exams {
		ids = append(ids, e.ID)
	}
	return s.lists.of(ctx, q, b.CenterID, ids)
}

// mostLists is how many lists are kept at hand: as many batches as a worker has
// under way.
const mostLists = 16

// pageLists makes the lists that pages are read against, and keeps the newest. It
// is safe for concurrent use.
type pageLists struct {
	printer  Printer
	profiles []BlankProfile // built in

	mu    sync.Mutex
	kept  map[string]*PageList // by what they were made of
	order []string             // of kept, oldest first
}

func newPageLists(printer Printer, profiles []BlankProfile) *pageLists {
	return &pageLists{printer: printer, profiles: profiles, kept: make(map[string]*PageList)}
}

// of is the list of the certificates of exams of a center: what was printed last
// for each application to which a certificate is due, else what would be printed
// now; of one that has no registration number yet, its names.
func (l *pageLists) of(ctx context.Context, q Queries, centerID int64, examIDs []int64) (*PageList, error) {
	center, err := q.Center(ctx, centerID)
	if err != nil {
		return nil, fmt.Errorf("center %d: %w", centerID, err)
	}
	var own *BlankProfile
	if center.BlankProfile != "" {
		if own, err = profileOf(ctx, q, l.profiles, centerID, center.BlankProfile); err != nil {
			return nil, err
		}
	}
	state, err := q.PrintedState(ctx, examIDs)
	if err != nil {
		return nil, fmt.Errorf("state of exams: %w", err)
	}
	made, err := json.Marshal([]any{state, center, own})
	if err != nil {
		return nil, err
	}
	if list := l.known(string(made)); list != nil {
		return list, nil
	}
	// Nobody waits here for another: who holds a connection of the store would wait
	// for who needs one.
	list, err := l.make(ctx, q, center, own, examIDs)
	if err != nil {
		return nil, err
	}
	after, err := q.PrintedState(ctx, examIDs)
	if err != nil {
		return nil, fmt.Errorf("state of exams: %w", err)
	}
	if after == state { // else it may be made of something newer
		l.keep(string(made), list)
	}
	return list, nil
}

func (l *pageLists) known(made string) *PageList {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.kept[made]
}

func (l *pageLists) keep(made string, list *PageList) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.kept[made] != nil {
		return
	}
	if len(l.order) == mostLists {
		delete(l.kept, l.order[0])
		l.order = l.order[1:]
	}
	l.kept[made] = list
	l.order = append(l.order, made)
}

// make builds a list. Own is the blank that the center prints on now, nil when
// none is chosen.
func (l *pageLists) make(ctx context.Context, q Queries, center *Center, own *BlankProfile, examIDs []int64) (*PageList, error) {
	forms, err := q.PrintedForms(ctx, examIDs)
	if err != nil {
		return nil, fmt.Errorf("printed certificates: %w", err)
	}
	groups := make(map[int64][]PrintedForm) // by printing
	var printings []int64
	for _, f := range forms {
		if groups[f.PrintingID] == nil && f.PrintingID != 0 {
			printings = append(printings, f.PrintingID)
		}
		groups[f.PrintingID] = append(groups[f.PrintingID], f)
	}
	profiles, err := q.PrintedProfiles(ctx, printings)
	if err != nil {
		return nil, fmt.Errorf("printed profiles: %w", err)
	}
	out := &PageList{}
	switch {
	case len(printings) > 0: // the newest says which blanks come back
		out.Profile = profiles[slices.Max(printings)]
	case own != nil:
		out.Profile = *own
	default:
		org, err := q.Org(ctx, center.OrgID)
		if err != nil {
			return nil, err
		}
		gap := CenterGap{OrgID: org.ID, Center: org.Name, Missing: []CenterField{CenterProfile}}
		return nil, refuseWith(Conflict, ReasonCenterNoProfile, gap)
	}
	for id, group := range groups {
		profile := out.Profile
		if id != 0 {
			profile = profiles[id]
		}
		some, err := l.lines(ctx, center, profile, group)
		if err != nil {
			return nil, err
		}
		out.Certificates = append(out.Certificates, some...)
	}
	slices.SortFunc(out.Certificates, func(a, b PrintedCertificate) int { return cmp.Compare(a.ApplicationID, b.ApplicationID) })
	content, err := json.Marshal([]any{out.Profile, out.Certificates})
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(content)
	out.Key = hex.EncodeToString(sum[:])
	return out, nil
}

// lines tells what stands on the certificates of one printing. One that cannot be
// drawn was never printed, and is left out.
func (l *pageLists) lines(ctx context.Context, center *Center, profile BlankProfile, group []PrintedForm) ([]PrintedCertificate, error) {
	out := make([]PrintedCertificate, 0, len(group))
	for i := range group {
		c := group[i].Certificate
		if group[i].PrintingID == 0 {
			c = certificateOf(&group[i].Application, center)
			for _, text := range []*string{&c.Institution, &c.Address, &c.SignatoryPosition, &c.SignatoryName} {
				*text = cmp.Or(*text, "—") // nobody is recognised by it
			}
		}
		a := &group[i].Application
		outdated := c.Name != a.Name() || c.NameLatin != a.NameLatin() || c.RegistrationNumber != a.RegistrationNumber
		isNumbered := c.RegistrationNumber != ""
		if !isNumbered {
			c.RegistrationNumber, c.IssuedOn = "—", NewDay(2000, 1, 1)
		}
		lines, err := l.printer.CertificateLines(ctx, CertificateForm{Profile: profile, Certificates: []Certificate{c}})
		var fit *FitError
		var glyph *GlyphError
		switch {
		case errors.As(err, &fit), errors.As(err, &glyph):
			continue
		case err != nil:
			return nil, fmt.Errorf("certificate of application %d: %w", group[i].Application.ID, err)
		}
		if !isNumbered { // known by name alone
			lines[0] = slices.DeleteFunc(lines[0], func(l PrintedLine) bool {
				return l.Field == FieldRegistrationNumber || l.Field == FieldIssuedOn || l.Field == FieldValidUntil
			})
		}
		out = append(out, PrintedCertificate{ApplicationID: a.ID, Lines: lines[0], Outdated: outdated})
	}
	return out, nil
}
