package service

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/jpeg"
	"io"
	"slices"
	"strings"
	"time"
)

// ScanPageLine is a page with what a list says of it.
type ScanPageLine struct {
	ScanPage
	File        string // name of its file, as the sender called it
	FilePages   int    // of that file
	Application string // number of its application, "" for none
	Owner       string // last and first name of whose application it is
	AskedIn     int64  // exam of its batch, else its own; 0: none is known
	By          string // name of who decided, "" for the machine
}

// QuestionCount is how many pages of an exam wait for a person, and which of them
// one is.
type QuestionCount struct {
	Count   int
	Place   int // from 1; 0: it is none of them
	Reading int // pages that are still being read
}

// ScanQuestionQueries asks about the pages that a person decides on.
type ScanQuestionQueries interface {
	// PageLine returns NotFound when there is no such page.
	PageLine(ctx context.Context, id int64) (*ScanPageLine, error)
	// PageLines lists the pages of a batch in these states, in the order in which
	// they were sent, from offset on, at most limit.
	PageLines(ctx context.Context, batchID int64, states []PageState, offset, limit int) ([]ScanPageLine, error)
	// PageLinesCount counts them.
	PageLinesCount(ctx context.Context, batchID int64, states []PageState) (int, error)
	// QuestionCount counts the questions of an exam and finds the place of one.
	QuestionCount(ctx context.Context, examID, pageID int64) (QuestionCount, error)
	// QuestionsAfter lists the questions of an exam in their order, beginning with
	// the one after a page, from the first again at the end, at most limit.
	QuestionsAfter(ctx context.Context, examID, after int64, limit int) ([]int64, error)
	// LastDecided returns the page of an exam, or of its batches, on which a person
	// decided last, since a moment, if it can be taken back: it was set aside, or its
	// scan stands and was not delivered. It is nil when there is none.
	LastDecided(ctx context.Context, examID, personID int64, since time.Time) (*ScanPageLine, error)
	// QuestionApplications lists the applications of an exam to which a certificate
	// with a number is due, by name, from offset on, at most limit: those that have
	// the text in their name, also in Latin, or in one of their numbers; Ё is Е.
	QuestionApplications(ctx context.Context, examID int64, text string, offset, limit int) ([]Application, error)
}

// ScanQuestionCommands writes what is drawn for the person who decides.
type ScanQuestionCommands interface {
	// SavePageView writes the pictures of a page. It changes nothing else, so it
	// needs no lock.
	SavePageView(ctx context.Context, pageID int64, view, lines string) error
}

// The refusals of this subject.
const (
	// No reading of the machine supports the choice: it is repeated with Confirmed
	// once the person has looked.
	ReasonQuestionUnsupported Reason = "question.unsupported"
	// The blank was read on another page too; Data: BlankFault.
	ReasonQuestionBlankTwice Reason = "question.blank_twice"
	ReasonQuestionNoPicture  Reason = "question.no_picture" // there is no picture that could be somebody's scan
	ReasonQuestionOtherExam  Reason = "question.other_exam" // the application is of another exam
	ReasonQuestionNone       Reason = "question.none"       // the exam has none that could be read again
	ReasonQuestionPair       Reason = "question.pair"       // the page contradicts another: read alone it would be believed
)

// ScanQuestions has people decide on the pages of which the machine is not
// certain.
type ScanQuestions struct {
	batches *ScanBatches
	store   Store
	now     Clock
}

// NewScanQuestions returns the use cases over what the batches work with.
func NewScanQuestions(batches *ScanBatches) *ScanQuestions {
	return &ScanQuestions{batches: batches, store: batches.store, now: batches.now}
}

// NameLikeness is how the name on a page goes with that of an application.
type NameLikeness string

// The likenesses.
const (
	NameAgrees NameLikeness = "agrees"
	NameAlike  NameLikeness = "alike"
	NameOther  NameLikeness = "other"
	NameUnread NameLikeness = "unread"
)

// nameAlike is where a name begins to look like another, on the scale of
// CandidateReading. It decides nothing: it words what was read.
const nameAlike = .55

// LikelyApplication is an application that a page may belong to.
type LikelyApplication struct {
	Application
	Likeness  NameLikeness
	Supported bool // readings of the machine support it: one tap is enough
}

// QuestionView is a page with everything that the person who decides looks at.
type QuestionView struct {
	Page    ScanPageLine
	Exam    Exam
	Reading *PageReading        // nil when nothing was read
	Likely  []LikelyApplication // best first, at most three; whose it is, if that is decided
	Whose   *Application        // whose certificate it is, or seems to be; nil for nobody
	Loaded  *Scan               // the scan that stands at Whose, nil for none
	Beside  *ScanPageLine       // the page that it contradicts or repeats; nil for none
	Blank   BlankKey            // as it was read; without a number if it was not
	Held    *Blank              // what became of that blank in this center; nil for nothing
	Other   string              // number of the other exam that Whose is of, "" for none
	Count   int                 // questions of the exam
	Place   int                 // of this one among them, from 1; 0: it is none
	Undo    *ScanPageLine       // what the person decided last and can take back; nil for nothing
	Again   bool                // it can be read again
}

// undoShown is how long the last decision is offered to be taken back beside the
// next question. Later it is taken back from its own page.
const undoShown = time.Hour

// Count counts the questions of an exam, for the staff of its center.
func (s *ScanQuestions) Count(ctx context.Context, by Actor, examID int64) (int, error) {
	if _, err := s.examOf(ctx, by, examID); err != nil {
		return 0, err
	}
	c, err := s.store.QuestionCount(ctx, examID, 0)
	if err != nil {
		return 0, fmt.Errorf("questions of exam %d: %w", examID, err)
	}
	return c.Count, nil
}

// examOf returns an exam of a center in which the actor works.
func (s *ScanQuestions) examOf(ctx context.Context, by Actor, examID int64) (*Exam, error) {
	e, err := s.store.Exam(ctx, by, examID)
	if err != nil {
		return nil, fmt.Errorf("exam %d: %w", examID, err)
	}
	return e, isStaffOf(by, e.CenterID)
}

// Next returns the question of an exam that follows a page, the first one again
// after the last, nil when there is none. After 0 is the first.
func (s *ScanQuestions) Next(ctx context.Context, by Actor, examID, after int64) (*QuestionView, error) {
	if _, err := s.examOf(ctx, by, examID); err != nil {
		return nil, err
	}
	ids, err := s.store.QuestionsAfter(ctx, examID, after, 1)
	if err != nil {
		return nil, fmt.Errorf("questions of exam %d: %w", examID, err)
	}
	if len(ids) == 0 {
		return nil, nil //nolint:nilnil // there is none, which is no error
	}
	return s.Question(ctx, by, ids[0])
}

// QuestionsDone is how an exam stands once it has no questions.
type QuestionsDone struct {
	Exam    Exam
	Reading int           // pages that are still being read
	Undo    *ScanPageLine // what the person decided last and can take back; nil for nothing
}

// Done tells how an exam stands that has no questions left.
func (s *ScanQuestions) Done(ctx context.Context, by Actor, examID int64) (*QuestionsDone, error) {
	e, err := s.examOf(ctx, by, examID)
	if err != nil {
		return nil, err
	}
	c, err := s.store.QuestionCount(ctx, examID, 0)
	if err != nil {
		return nil, fmt.Errorf("questions of exam %d: %w", examID, err)
	}
	undo, err := s.LastDecided(ctx, by, examID)
	return &QuestionsDone{Exam: *e, Reading: c.Reading, Undo: undo}, err
}

// LastDecided returns what the actor decided last in an exam and can take back,
// nil for nothing.
func (s *ScanQuestions) LastDecided(ctx context.Context, by Actor, examID int64) (*ScanPageLine, error) {
	if _, err := s.examOf(ctx, by, examID); err != nil {
		return nil, err
	}
	l, err := s.store.LastDecided(ctx, examID, by.PersonID, s.now().Add(-undoShown))
	if err != nil {
		return nil, fmt.Errorf("last decision in exam %d: %w", examID, err)
	}
	return l, nil
}

// line returns a page that the actor may look at, with its exam; it is zero for a
// page that could not be read and whose batch found none.
func (s *ScanQuestions) line(ctx context.Context, by Actor, pageID int64) (*ScanPageLine, *Exam, error) {
	l, err := s.store.PageLine(ctx, pageID)
	if err != nil {
		return nil, nil, fmt.Errorf("page %d: %w", pageID, err)
	}
	b, err := s.store.ScanBatch(ctx, l.BatchID)
	if err != nil {
		return nil, nil, fmt.Errorf("batch %d: %w", l.BatchID, err)
	}
	if isStaffOf(by, b.CenterID) != nil {
		if by.Has(RoleAdmin) {
			return nil, nil, refuse(Forbidden, ReasonForbidden)
		}
		return nil, nil, refuse(NotFound, ReasonNotFound)
	}
	id := l.ExamID
	if id == 0 {
		id = b.ExamID
	}
	if id == 0 {
		return l, &Exam{CenterID: b.CenterID}, nil
	}
	e, err := s.store.Exam(ctx, by, id)
	if err != nil {
		return nil, nil, fmt.Errorf("exam %d: %w", id, err)
	}
	return l, e, nil
}

// Question returns a page in whatever state it is, for the staff of its center.
func (s *ScanQuestions) Question(ctx context.Context, by Actor, pageID int64) (*QuestionView, error) {
	l, e, err := s.line(ctx, by, pageID)
	if err != nil {
		return nil, err
	}
	v := &QuestionView{Page: *l, Exam: *e, Again: l.State == PageQuestion && l.SHA != "" && !l.inPair()}
	if v.Reading, err = l.ReadingOf(); err != nil {
		return nil, fmt.Errorf("reading of page %d: %w", pageID, err)
	}
	for _, fill := range []func(context.Context, *QuestionView) error{s.fillBeside, s.fillWhose, s.fillBlank, s.fillLikely} {
		if err := fill(ctx, v); err != nil {
			return nil, fmt.Errorf("page %d: %w", pageID, err)
		}
	}
	if e.ID == 0 {
		return v, nil
	}
	c, err := s.store.QuestionCount(ctx, e.ID, pageID)
	if err != nil {
		return nil, fmt.Errorf("questions of exam %d: %w", e.ID, err)
	}
	v.Count, v.Place = c.Count, c.Place
	v.Undo, err = s.LastDecided(ctx, by, e.ID)
	return v, err
}

// fillBeside finds the page that this one contradicts, repeats, or would replace.
func (s *ScanQuestions) fillBeside(ctx context.Context, v *QuestionView) error {
	if v.Page.TwinID == 0 || !v.Page.speaksOfAnother() {
		return nil
	}
	var err error
	v.Beside, err = s.store.PageLine(ctx, v.Page.TwinID)
	return err
}

// speaksOfAnother reports whether the rule of a page is about another page too.
func (p *ScanPage) speaksOfAnother() bool {
	return p.inPair() || p.Rule == PageRuleLoaded || p.Rule == PageRuleDuplicate
}

// fillWhose finds whose certificate it seems to be.
func (s *ScanQuestions) fillWhose(ctx context.Context, v *QuestionView) error {
	if v.Page.ApplicationID == 0 {
		return nil
	}
	a, err := s.store.Application(ctx, System, v.Page.ApplicationID)
	if err != nil {
		return err
	}
	v.Whose = a
	if a.ExamID != v.Exam.ID {
		e, err := s.store.Exam(ctx, System, a.ExamID)
		if err != nil {
			return err
		}
		v.Other = e.Number
	}
	if a.ScanID == 0 || a.ScanID == v.Page.ScanID {
		return nil
	}
	if v.Loaded, err = s.store.Scan(ctx, a.ScanID); err != nil || v.Beside != nil || !v.Page.speaksOfAnother() {
		return err
	}
	p, err := s.store.PageOfScan(ctx, a.ScanID)
	if err != nil || p == nil {
		return err
	}
	v.Beside, err = s.store.PageLine(ctx, p.ID)
	return err
}

// fillBlank finds what became of the blank whose number was read.
func (s *ScanQuestions) fillBlank(ctx context.Context, v *QuestionView) error {
	key, read := blankRead(v.Reading)
	if !read {
		return nil
	}
	v.Blank = key
	held, err := s.store.Blank(ctx, key)
	if err != nil || held == nil || held.CenterID != v.Exam.CenterID {
		return err
	}
	v.Held = held
	return nil
}

// blankRead is the number of a blank as it was read, if it was.
func blankRead(r *PageReading) (BlankKey, bool) {
	if r == nil {
		return BlankKey{}, false
	}
	return BlankNumberOf(r)
}

// fillLikely finds the applications that the page belongs to most likely. Left out
// are those to which no certificate is due any more, and those that have a scan
// and for whom nothing speaks.
func (s *ScanQuestions) fillLikely(ctx context.Context, v *QuestionView) error {
	switch {
	case v.Page.State == PageMatched && v.Whose != nil: // what spoke for it
		v.Likely = []LikelyApplication{{Application: *v.Whose, Likeness: likeness(v.Reading, v.Whose.ID)}}
		return nil
	case v.Page.State != PageQuestion || v.Exam.ID == 0:
		return nil
	}
	if v.Page.Rule == PageRuleOtherExam && v.Whose != nil {
		if v.Whose.Entitled() {
			v.Likely = []LikelyApplication{{Application: *v.Whose, Likeness: likeness(v.Reading, v.Whose.ID), Supported: true}}
		}
		return nil
	}
	if v.Reading == nil {
		return nil
	}
	list, err := s.batches.lists.of(ctx, s.store, v.Exam.CenterID, []int64{v.Exam.ID})
	if err != nil {
		return err
	}
	r := v.Reading.against(list.Certificates)
	all, err := s.store.Applications(ctx, v.Exam.ID)
	if err != nil {
		return err
	}
	known := make(map[int64]*Application, len(all))
	for i := range all {
		known[all[i].ID] = &all[i]
	}
	open := slices.DeleteFunc(slices.Clone(list.Certificates), func(c PrintedCertificate) bool {
		a := known[c.ApplicationID]
		return a == nil || !a.Entitled() || a.ScanID != 0 && !Supported(list.Certificates, r, a.ID)
	})
	ids := LikelyApplications(open, v.Reading)
	if whose := v.Page.ApplicationID; known[whose] != nil && known[whose].Entitled() { // whose it seems to be stands first
		ids = append([]int64{whose}, slices.DeleteFunc(ids, func(id int64) bool { return id == whose })...)
	}
	for _, id := range ids[:min(len(ids), mostLikely)] {
		v.Likely = append(v.Likely, LikelyApplication{
			Application: *known[id], Likeness: likeness(v.Reading, id), Supported: Supported(list.Certificates, r, id),
		})
	}
	return nil
}

// likeness words how the name of an application goes with a page.
func likeness(r *PageReading, applicationID int64) NameLikeness {
	if r == nil {
		return NameUnread
	}
	for _, c := range r.Candidates {
		if c.ApplicationID != applicationID {
			continue
		}
		switch best := max(c.Name, c.Latin); {
		case best >= nameAgrees:
			return NameAgrees
		case best >= nameAlike:
			return NameAlike
		case best > -1:
			return NameOther
		}
	}
	return NameUnread
}

// QuestionPictures are the pictures of a page for the person who decides; nil for
// what cannot be drawn.
type QuestionPictures struct {
	View  *Document // the page, above the one that stands beside it, if any
	Lines *Document // the lines of number and name, enlarged
}

// showPatience is how long a person waits for a picture that has to be drawn
// first: the readers may be busy with a batch.
const showPatience = 15 * time.Second

// Picture returns the pictures of a page and of the one that stands beside it, 0
// for none. What was not drawn while the page was read is drawn now.
func (s *ScanQuestions) Picture(ctx context.Context, by Actor, pageID, besideID int64) (*QuestionPictures, error) {
	view, lines, err := s.drawn(ctx, by, pageID)
	if err != nil {
		return nil, err
	}
	out := &QuestionPictures{}
	if lines != "" {
		if out.Lines, err = s.picture(ctx, lines); err != nil {
			return nil, err
		}
	}
	if view == "" {
		return out, nil
	}
	if out.View, err = s.picture(ctx, view); err != nil || besideID == 0 {
		return out, err
	}
	below, _, err := s.drawn(ctx, by, besideID)
	if err != nil || below == "" {
		return out, err
	}
	out.View, err = s.stacked(ctx, view, below)
	return out, err
}

// picture makes a stored picture a Document.
func (s *ScanQuestions) picture(ctx context.Context, sha string) (*Document, error) {
	f, err := s.store.File(ctx, sha)
	if err != nil {
		return nil, fmt.Errorf("picture: %w", err)
	}
	d := storedDocument(s.batches.files, "page.jpg", f)
	return &d, nil
}

// drawn returns the stored pictures of a page, which are drawn first if need be.
// Both are "" for a page of which there is nothing to see.
func (s *ScanQuestions) drawn(ctx context.Context, by Actor, pageID int64) (view, lines string, err error) {
	l, e, err := s.line(ctx, by, pageID)
	if err != nil {
		return "", "", err
	}
	if l.ViewSHA != "" || l.SHA == "" {
		return l.ViewSHA, l.LinesSHA, nil
	}
	ctx, cancel := context.WithTimeout(ctx, showPatience)
	defer cancel()
	shown, err := s.show(ctx, e, l)
	if ReasonOf(err) == ReasonPageUnreadable {
		return "", "", nil
	}
	if err != nil {
		return "", "", fmt.Errorf("draw page %d: %w", pageID, err)
	}
	var kept [2]File
	for i, jpg := range [][]byte{shown.View, shown.Lines} {
		if kept[i], err = s.batches.put(ctx, jpg, typeJPEG); err != nil {
			return "", "", fmt.Errorf("picture of page %d: %w", pageID, err)
		}
	}
	err = s.store.InTx(ctx, func(ctx context.Context, tx Tx) error {
		for _, f := range kept {
			if f.SHA256 == "" {
				continue
			}
			if err := tx.SaveFile(ctx, f); err != nil {
				return err
			}
		}
		return tx.SavePageView(ctx, pageID, kept[0].SHA256, kept[1].SHA256)
	})
	if err != nil {
		return "", "", fmt.Errorf("keep the picture of page %d: %w", pageID, err)
	}
	return kept[0].SHA256, kept[1].SHA256, nil
}

// show draws a page.
func (s *ScanQuestions) show(ctx context.Context, e *Exam, l *ScanPageLine) (*ShownPage, error) {
	r, err := l.ReadingOf()
	if err != nil {
		return nil, err
	}
	if r == nil {
		r = &PageReading{}
	}
	var profile BlankProfile
	if e.ID != 0 {
		list, err := s.batches.lists.of(ctx, s.store, e.CenterID, []int64{e.ID})
		if err != nil {
			return nil, err
		}
		profile = list.Profile
	}
	page, err := s.batches.bytes(ctx, l.SHA)
	if err != nil {
		return nil, err
	}
	return s.batches.recogniser.Show(ctx, &profile, page, r)
}

// stackGap is the bar between two pages on one picture, in pixels.
const stackGap = 16

// stacked draws one stored view above another.
func (s *ScanQuestions) stacked(ctx context.Context, above, below string) (*Document, error) {
	var pages [2]image.Image
	for i, sha := range []string{above, below} {
		raw, err := s.batches.bytes(ctx, sha)
		if err != nil {
			return nil, err
		}
		if pages[i], err = jpeg.Decode(bytes.NewReader(raw)); err != nil {
			return nil, fmt.Errorf("picture: %w", err)
		}
	}
	a, b := pages[0].Bounds(), pages[1].Bounds()
	sheet := image.NewRGBA(image.Rect(0, 0, max(a.Dx(), b.Dx()), a.Dy()+stackGap+b.Dy()))
	draw.Draw(sheet, sheet.Bounds(), image.NewUniform(color.Gray{Y: 0x60}), image.Point{}, draw.Src)
	draw.Draw(sheet, image.Rect(0, 0, a.Dx(), a.Dy()), pages[0], a.Min, draw.Src)
	draw.Draw(sheet, image.Rect(0, a.Dy()+stackGap, b.Dx(), a.Dy()+stackGap+b.Dy()), pages[1], b.Min, draw.Src)
	var out bytes.Buffer
	if err := jpeg.Encode(&out, sheet, &jpeg.Options{Quality: 80}); err != nil {
		return nil, fmt.Errorf("picture: %w", err)
	}
	return &Document{
		Name: "page.jpg", Size: int64(out.Len()),
		Open: func(context.Context) (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(out.Bytes())), nil },
	}, nil
}

// FoundApplications is what a search has found.
type FoundApplications struct {
	Items []Application
	More  bool // there are more after these
}

// Search finds the applications of the exam of a page to which a certificate is
// due, by a part of the name, also in Latin, by the number, or by the last digits
// of the registration number; from offset on, at most limit.
func (s *ScanQuestions) Search(ctx context.Context, by Actor, pageID int64, text string, offset, limit int) (*FoundApplications, error) {
	_, e, err := s.line(ctx, by, pageID)
	if err != nil {
		return nil, err
	}
	list, err := s.store.QuestionApplications(ctx, e.ID, joined(strings.Fields(PlainName(text))...), offset, limit+1)
	if err != nil {
		return nil, fmt.Errorf("search in exam %d: %w", e.ID, err)
	}
	return &FoundApplications{Items: list[:min(len(list), limit)], More: len(list) > limit}, nil
}

// BatchPages is a part of the pages of a batch.
type BatchPages struct {
	Batch ScanBatch
	Exam  *Exam // nil while it is not known
	Pages []ScanPageLine
	Count int // of all of them
}

// Pages lists the pages of a batch that are in these states, for the staff of its
// center.
func (s *ScanQuestions) Pages(ctx context.Context, by Actor, batchID int64, states []PageState, offset, limit int) (*BatchPages, error) {
	b, err := s.batches.visible(ctx, by, batchID)
	if err != nil {
		return nil, err
	}
	out := &BatchPages{Batch: *b}
	if b.ExamID != 0 {
		if out.Exam, err = s.store.Exam(ctx, by, b.ExamID); err != nil {
			return nil, fmt.Errorf("exam %d: %w", b.ExamID, err)
		}
	}
	if out.Count, err = s.store.PageLinesCount(ctx, batchID, states); err != nil {
		return nil, fmt.Errorf("pages of batch %d: %w", batchID, err)
	}
	out.Pages, err = s.store.PageLines(ctx, batchID, states, offset, limit)
	if err != nil {
		return nil, fmt.Errorf("pages of batch %d: %w", batchID, err)
	}
	return out, nil
}

// ChoosePage says whose certificate a page is. Each of the later fields is a word
// that the person gave after a refusal asked for it.
type ChoosePage struct {
	PageID        int64
	Revision      int // of the page
	ApplicationID int64
	Confirmed     bool     // the person compared the page with the application
	Replace       bool     // the loaded scan is to be replaced
	Outside       bool     // the blank as it was read is right, although no range has it or two pages bear it
	Unnamed       bool     // the blank is said later
	Blank         BlankKey // as the person typed it; zero: as it was read
}

// Choose makes a page the scan of an application to which a certificate is due. A
// choice that no reading of the machine supports, one that replaces a loaded scan,
// and a blank that was read but cannot be, are refused until the person has said
// one more word. Of two who decide at one moment one wins; the other gets a
// Conflict that tells who. The same decision once more changes nothing.
func (s *ScanQuestions) Choose(ctx context.Context, by Actor, in ChoosePage) (*ScanPageLine, error) {
	a, err := s.store.Application(ctx, by, in.ApplicationID)
	if err != nil {
		return nil, fmt.Errorf("choose for page %d: %w", in.PageID, err)
	}
	clean, err := s.cleaned(ctx, in.PageID)
	if err != nil {
		return nil, fmt.Errorf("choose for page %d: %w", in.PageID, err)
	}
	err = s.inPage(ctx, by, pageDeed{
		page: in.PageID, revision: in.Revision, exam: a.ExamID,
		done: func(p *ScanPage) bool { return p.State == PageMatched && p.ApplicationID == in.ApplicationID },
	}, func(ctx context.Context, sc *examScene, p *ScanPage) error { return s.choose(ctx, sc, p, in, clean) })
	if err != nil {
		return nil, fmt.Errorf("choose for page %d: %w", in.PageID, err)
	}
	return s.store.PageLine(ctx, in.PageID)
}

func (s *ScanQuestions) choose(ctx context.Context, sc *examScene, p *ScanPage, in ChoosePage, clean File) error {
	held, err := sc.tx.ApplicationsForUpdate(ctx, sc.exam.ID, []int64{in.ApplicationID})
	if err != nil {
		return err
	}
	if len(held) == 0 { // it has moved to another exam
		return refuse(NotFound, ReasonNotFound)
	}
	a := &held[0]
	switch {
	case !a.Entitled() || a.RegistrationNumber == "":
		return refuseWith(Invalid, ReasonScanNotEntitled, a.fault())
	case p.CleanSHA == "" && clean.SHA256 == "":
		return refuse(Conflict, ReasonQuestionNoPicture)
	}
	r, err := p.ReadingOf()
	if err != nil {
		return err
	}
	supported, err := s.supports(ctx, sc, r, a.ID)
	if err != nil {
		return err
	}
	if !supported && !in.Confirmed {
		return refuse(Invalid, ReasonQuestionUnsupported)
	}
	if err := loadable(a, in.Replace); err != nil {
		return err
	}
	key, err := s.blankFor(ctx, sc, p, a, in)
	if err != nil {
		return err
	}
	if p.CleanSHA == "" {
		if err := sc.tx.SaveFile(ctx, clean); err != nil {
			return err
		}
		p.CleanSHA = clean.SHA256
	}
	load := pageLoad{Event: PageEventChoose, Rule: PageRulePerson, Blank: key, Supported: supported}
	if supported {
		load.Rule = PageRuleSupported
	}
	p.ExamID = a.ExamID
	return s.batches.scans.attachPage(ctx, sc, p, a, load)
}

// supports reports whether readings of the machine support a choice.
func (s *ScanQuestions) supports(ctx context.Context, sc *examScene, r *PageReading, applicationID int64) (bool, error) {
	if r == nil {
		return false, nil
	}
	list, err := s.batches.lists.of(ctx, sc.tx, sc.exam.CenterID, []int64{sc.exam.ID})
	if err != nil {
		return false, err
	}
	return Supported(list.Certificates, r.against(list.Certificates), applicationID), nil
}

// blankFor is the blank of a choice: the one that was typed, else the one that was
// read. It is zero when the person says it later, or nobody could read it.
func (s *ScanQuestions) blankFor(ctx context.Context, sc *examScene, p *ScanPage, a *Application, in ChoosePage) (BlankKey, error) {
	key := in.Blank
	if key.Number == "" {
		r, err := p.ReadingOf()
		if err != nil {
			return BlankKey{}, err
		}
		read, ok := blankRead(r)
		switch {
		case !ok || in.Unnamed:
			return BlankKey{}, nil
		case p.Rule == PageRuleBlankTwice && !in.Outside:
			return BlankKey{}, refuseWith(Invalid, ReasonQuestionBlankTwice, BlankFault{Series: read.Series, Number: read.Number})
		}
		key = read
	}
	key, outside, err := s.batches.scans.checkBlank(ctx, sc.tx, sc.exam, a, key)
	switch {
	case in.Blank.Number == "" && ReasonOf(err) == ReasonBlankPattern: // misread: as good as unread
		return BlankKey{}, nil
	case err != nil:
		return BlankKey{}, err
	case outside && !in.Outside:
		return BlankKey{}, refuseWith(Invalid, ReasonBlankOutside, BlankFault{Series: key.Series, Number: key.Number})
	}
	return key, nil
}

// cleaned is the stored clean page of one that has none because the machine saw
// nothing on it: the page as it came. It is zero for all others.
func (s *ScanQuestions) cleaned(ctx context.Context, pageID int64) (File, error) {
	p, err := s.store.ScanPage(ctx, pageID)
	if err != nil || p.CleanSHA != "" || p.SHA == "" {
		return File{}, err
	}
	page, err := s.batches.bytes(ctx, p.SHA)
	if err != nil {
		return File{}, err
	}
	pdf, err := s.batches.printer.ScanPage(ctx, page, 0)
	if err != nil {
		return File{}, fmt.Errorf("clean page: %w", err)
	}
	return s.batches.put(ctx, pdf, typePDF)
}

// pageDeed is what is asked of a page.
type pageDeed struct {
	page     int64
	revision int
	exam     int64                // 0: its own
	done     func(*ScanPage) bool // the page looks as this deed leaves it
}

// inPage runs fn with a page held, and its batch and its exam, for the staff of
// its center. One that has moved on since the revision is a Conflict that tells
// who decided; the actor's own decision of the same kind is none, and changes
// nothing.
func (s *ScanQuestions) inPage(ctx context.Context, by Actor, d pageDeed, fn func(context.Context, *examScene, *ScanPage) error) error {
	return s.store.InTx(ctx, func(ctx context.Context, tx Tx) error {
		seen, err := tx.ScanPage(ctx, d.page)
		if err != nil {
			return err
		}
		b, err := tx.ScanBatch(ctx, seen.BatchID)
		if err != nil {
			return err
		}
		own := cmp.Or(seen.ExamID, b.ExamID)
		sc, err := enterExam(ctx, tx, s.now, by, cmp.Or(d.exam, own))
		if err != nil {
			return err
		}
		if sc.exam.CenterID != b.CenterID {
			return refuse(NotFound, ReasonNotFound)
		}
		if _, err := tx.ScanBatchForUpdate(ctx, b.ID); err != nil {
			return err
		}
		p, err := tx.ScanPageForUpdate(ctx, d.page)
		if err != nil {
			return err
		}
		switch {
		case p.Revision == d.revision+1 && p.DecidedBy == sc.by.PersonID && d.done(p):
			return nil // tapped twice
		case p.Revision != d.revision:
			return movedOn(ctx, tx, sc.by, SubjectPage, p.ID, nil)
		case sc.exam.ID != own && p.Rule != PageRuleOtherExam:
			return refuse(Invalid, ReasonQuestionOtherExam)
		}
		if p.ExamID == 0 {
			p.ExamID = sc.exam.ID
		}
		return fn(ctx, sc, p)
	})
}

// Dismiss says that nothing comes of a page: it is no certificate
// (PageRuleNoScan), it must be scanned again (PageRuleRescan), or it repeats
// another (PageRuleDuplicate).
func (s *ScanQuestions) Dismiss(ctx context.Context, by Actor, pageID int64, revision int, rule MatchRule) (*ScanPageLine, error) {
	if !slices.Contains([]MatchRule{PageRuleNoScan, PageRuleRescan, PageRuleDuplicate}, rule) {
		return nil, fmt.Errorf("dismiss page %d: no rule %q for a person", pageID, rule)
	}
	err := s.inPage(ctx, by, pageDeed{
		page: pageID, revision: revision, done: func(p *ScanPage) bool { return p.State == PageAside && p.Rule == rule },
	}, func(ctx context.Context, sc *examScene, p *ScanPage) error {
		return sc.movePage(ctx, p, PageEventDismiss, rule)
	})
	if err != nil {
		return nil, fmt.Errorf("dismiss page %d: %w", pageID, err)
	}
	return s.store.PageLine(ctx, pageID)
}

// Undo makes a question of a page again: of one that was set aside, and of one
// that is a scan, whoever or whatever decided it. The application is as it was
// before. It is refused once the scan has gone out or was handed over.
func (s *ScanQuestions) Undo(ctx context.Context, by Actor, pageID int64, revision int) (*ScanPageLine, error) {
	err := s.inPage(ctx, by, pageDeed{
		page: pageID, revision: revision, done: func(p *ScanPage) bool { return p.State == PageQuestion && p.Rule == PageRuleTakenBack },
	}, func(ctx context.Context, sc *examScene, p *ScanPage) error {
		b, err := sc.tx.ScanBatch(ctx, p.BatchID)
		if err != nil {
			return err
		}
		p.ExamID = cmp.Or(b.ExamID, p.ExamID) // where it was before somebody said that it is of another
		if p.State != PageMatched {
			return sc.movePage(ctx, p, PageEventUndo, PageRuleTakenBack)
		}
		held, err := sc.tx.ApplicationsForUpdate(ctx, sc.exam.ID, []int64{p.ApplicationID})
		if err != nil {
			return err
		}
		if len(held) == 0 {
			return refuse(NotFound, ReasonNotFound)
		}
		p.ApplicationID = 0 // nobody says any more whose it is
		return s.batches.scans.detachPage(ctx, sc, p, &held[0], PageEventUndo, PageRuleTakenBack)
	})
	if err != nil {
		return nil, fmt.Errorf("take back page %d: %w", pageID, err)
	}
	return s.store.PageLine(ctx, pageID)
}

// Again has a question read and matched anew, as if it had just come: names or
// numbers were corrected meanwhile. What comes of it is a scan, a question, or
// nothing. A page that contradicts another is refused.
func (s *ScanQuestions) Again(ctx context.Context, by Actor, pageID int64, revision int) (*ScanPageLine, error) {
	err := s.inPage(ctx, by, pageDeed{
		page: pageID, revision: revision, done: func(p *ScanPage) bool { return p.State != PageQuestion },
	}, s.again)
	if err != nil {
		return nil, fmt.Errorf("read page %d again: %w", pageID, err)
	}
	return s.store.PageLine(ctx, pageID)
}

func (*ScanQuestions) again(ctx context.Context, sc *examScene, p *ScanPage) error {
	switch {
	case p.SHA == "":
		return refuse(Conflict, ReasonQuestionNoPicture)
	case p.inPair():
		return refuse(Conflict, ReasonQuestionPair)
	}
	if err := sc.movePage(ctx, p, PageEventAgain, ""); err != nil {
		return err
	}
	return sc.tx.InsertJob(ctx, ReadPage{PageID: p.ID})
}

// inPair reports whether a page is a question because another one claims the same.
func (p *ScanPage) inPair() bool { return p.Rule == PageRuleTwice || p.Rule == PageRuleBlankTwice }

// mostAgain is how many questions are read anew at once.
const mostAgain = 1000

// AgainAll is Again for the questions of an exam, and returns how many they are.
// Left out is what cannot be read again, and what a person has taken back: the
// machine would decide it as before.
func (s *ScanQuestions) AgainAll(ctx context.Context, by Actor, examID int64) (int, error) {
	n := 0
	err := inExam(ctx, s.store, s.now, by, examID, func(ctx context.Context, sc *examScene) error {
		n = 0
		ids, err := sc.tx.QuestionsAfter(ctx, examID, 0, mostAgain)
		if err != nil {
			return err
		}
		for _, id := range ids {
			again, err := s.againIn(ctx, sc, id)
			if err != nil {
				return err
			}
			if again {
				n++
			}
		}
		if n == 0 {
			return refuse(Conflict, ReasonQuestionNone)
		}
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("read questions of exam %d again: %w", examID, err)
	}
	return n, nil
}

// againIn is again for one of the questions of a scene's exam. It reports false
// for one that cannot be read.
func (s *ScanQuestions) againIn(ctx context.Context, sc *examScene, pageID int64) (bool, error) {
	seen, err := sc.tx.ScanPage(ctx, pageID)
	if err != nil || seen.SHA == "" || seen.inPair() || seen.Rule == PageRuleTakenBack {
		return false, err
	}
	if _, err := sc.tx.ScanBatchForUpdate(ctx, seen.BatchID); err != nil {
		return false, err
	}
	p, err := sc.tx.ScanPageForUpdate(ctx, pageID)
	if err != nil {
		return false, err
	}
	return true, s.again(ctx, sc, p)
}

// Offered is nil when a page is a question at this revision, which the actor may
// decide on; else the refusal that deciding would meet.
func (s *ScanQuestions) Offered(ctx context.Context, by Actor, pageID int64, revision int) error {
	l, _, err := s.line(ctx, by, pageID)
	if err != nil {
		return err
	}
	if l.State != PageQuestion || l.Revision != revision {
		return movedOn(ctx, s.store, by, SubjectPage, pageID, nil)
	}
	return nil
}

// LoadedAt returns the scan that stands at an application, and the page that it
// came from, 0 for none.
func (s *ScanQuestions) LoadedAt(ctx context.Context, by Actor, applicationID int64) (*Scan, int64, error) {
	a, err := s.store.Application(ctx, by, applicationID)
	if err != nil {
		return nil, 0, fmt.Errorf("application %d: %w", applicationID, err)
	}
	if a.ScanID == 0 {
		return nil, 0, refuse(Conflict, ReasonScanMissing)
	}
	scan, err := s.store.Scan(ctx, a.ScanID)
	if err != nil {
		return nil, 0, fmt.Errorf("scan of application %d: %w", applicationID, err)
	}
	p, err := s.store.PageOfScan(ctx, a.ScanID)
	if err != nil || p == nil {
		return scan, 0, err
	}
	return scan, p.ID, nil
}
