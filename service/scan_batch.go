package service

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"flowbot/service/fsm"
)

// ScanBatch is what one person sends of an exam's certificates until it is
// reported. Files join it as long as it is open.
type ScanBatch struct {
	ID        int64 `bun:",pk,autoincrement"`
	CenterID  int64
	ExamID    int64 `bun:",nullzero"` // 0 while it has to be found from the pages, and for good if none can be read
	PersonID  int64
	State     BatchState
	MessageID int64      `bun:",nullzero"` // of the card of progress in the person's chat
	ShownAt   *time.Time // UTC; when that card was last changed
	CreatedAt time.Time  // UTC
	NewestAt  time.Time  // UTC; when the newest file came
	SettledAt *time.Time // UTC
	ChosenBy  int64      `bun:",nullzero"` // who said which exam it is; 0: its pages did, or it came for that exam
	GivenUpAt *time.Time // UTC; when its sender was told that it cannot be settled; nil again once it is

	// AwaitsUntil is how long more files are awaited, UTC, unless the sender says
	// before that these were all; nil: none are.
	AwaitsUntil *time.Time
}

// ended reports whether a batch takes no more files.
func (b *ScanBatch) ended() bool { return b.State == BatchSettled || b.State == BatchCancelled }

// BatchState is where a batch stands.
type BatchState string

// The states.
const (
	BatchOpen     BatchState = "open"     // files come, pages are read
	BatchChoosing BatchState = "choosing" // everything is read, and no page says which exam it is
	BatchSettled  BatchState = "settled"  // every page is decided or is a question; it is reported

	BatchCancelled BatchState = "cancelled" // a person took it back before it was settled: nothing comes of it
)

// BatchEvent is what happens to a batch.
type BatchEvent string

// The events.
const (
	BatchAsk    BatchEvent = "ask"    // which exam it is
	BatchChoose BatchEvent = "choose" // a person says so
	BatchJoin   BatchEvent = "join"   // more files come, whose pages may say so
	BatchSettle BatchEvent = "settle"
	BatchCancel BatchEvent = "cancel" // a person takes it back
)

// ScanFile is one file of a batch.
type ScanFile struct {
	ID       int64 `bun:",pk,autoincrement"`
	BatchID  int64
	UpdateID int64  // of the message that brought it; 0: it came by the upload page
	ChatRef  string // file_id in the chat; "" as above
	Name     string // as the sender called it, cleaned of what cannot be shown
	Size     int64  // bytes
	State    ScanFileState
	Reason   Reason    // of the refusal
	Words    string    // of the refusal, plain
	FileSHA  string    `bun:",nullzero"` // as it came
	Pages    int       // found so far
	AddedAt  time.Time // UTC
}

// ScanFileState is what has become of a file of a batch.
type ScanFileState string

// The states.
const (
	ScanFileWaiting    ScanFileState = "waiting"     // a worker fetches it and takes it apart
	ScanFileTakenApart ScanFileState = "taken_apart" // its pages are all there
	ScanFileRefused    ScanFileState = "refused"     // see Reason and Words; pages before the fault are there
	ScanFileCancelled  ScanFileState = "cancelled"   // its batch was, before the file was taken apart
)

// ScanPage is one page of a batch, with what was read on it and what was decided.
type ScanPage struct {
	ID            int64 `bun:",pk,autoincrement"`
	BatchID       int64
	FileID        int64
	Number        int    // in its file, from 1
	Name          string // of the archive's entry that it came from
	ExamID        int64  `bun:",nullzero"` // 0 while it has to be found, and for good if the page cannot be read
	State         PageState
	Rule          MatchRule       // why it is in its state; also the page rules below
	ApplicationID int64           `bun:",nullzero"` // whose certificate it is, or seems to be
	ScanID        int64           `bun:",nullzero"` // the scan that it became
	TwinID        int64           `bun:",nullzero"` // the page that it repeats, or contradicts
	NamedID       int64           `bun:",nullzero"` // the application as which its file, or its entry, is called
	SHA           string          `bun:"sha,nullzero"`
	CleanSHA      string          `bun:",nullzero"` // one page, PDF
	ThumbSHA      string          `bun:",nullzero"`
	ViewSHA       string          `bun:",nullzero"`           // "" before it was drawn
	LinesSHA      string          `bun:",nullzero"`           // "" before it was drawn, or where no blank was found
	Evidence      json.RawMessage `bun:"type:jsonb,nullzero"` // PageReading; nil before it was read
	Program       string          // version that read it
	Asked         MatchRule       // by which it was last made a question; "": it never was since it was read
	AskedForID    int64           `bun:",nullzero"` // ApplicationID then
	DecidedBy     int64           `bun:",nullzero"` // 0: the machine
	DecidedAt     *time.Time      // UTC
	Revision      int             // guards buttons
	AddedAt       time.Time       // UTC
	ReadAt        *time.Time      // UTC
}

// PageState is what has become of a page.
type PageState string

// The states.
const (
	PageWaiting  PageState = "waiting"  // to be read
	PageRead     PageState = "read"     // read, decided when the batch is settled
	PageMatched  PageState = "matched"  // it is the scan of its application, or was
	PageQuestion PageState = "question" // a person decides
	PageAside    PageState = "aside"    // nothing comes of it: empty, a duplicate, no certificate, refused

	PageCancelled PageState = "cancelled" // its batch was, before the page was decided
)

// PageEvent is what happens to a page.
type PageEvent string

// The events.
const (
	PageEventRead    PageEvent = "read"    // by the machine
	PageEventMatch   PageEvent = "match"   // the machine is certain
	PageEventAsk     PageEvent = "ask"     // it is not, or something contradicts
	PageEventAside   PageEvent = "aside"   // the machine is certain that nothing comes of it
	PageEventChoose  PageEvent = "choose"  // a person says whose it is
	PageEventDismiss PageEvent = "dismiss" // a person says that nothing comes of it
	PageEventUndo    PageEvent = "undo"    // a person takes a decision back
	PageEventAgain   PageEvent = "again"   // it is read and matched anew
	PageEventCancel  PageEvent = "cancel"  // a person takes its batch back
)

// Rules beside those of MatchPage by which a page came to its state.
const (
	PageRuleTwice        MatchRule = "application twice" // two different pages are the same application's; TwinID is the other
	PageRuleLoaded       MatchRule = "scan loaded"       // the application has a scan already; replacing asks first
	PageRuleBlankSpoiled MatchRule = "blank spoiled"
	PageRuleBlankUsed    MatchRule = "blank used"        // by another application
	PageRuleBlankOutside MatchRule = "blank outside"     // of the ranges that the center has received
	PageRuleBlankTwice   MatchRule = "blank twice"       // two pages of different applications bear one number
	PageRuleNotEntitled  MatchRule = "not entitled"      // the certificate is no longer due
	PageRuleNamed        MatchRule = "name of file"      // its file is called as another application, see NamedID
	PageRuleOtherExam    MatchRule = "other exam"        // it agrees with another exam of the center
	PageRuleDuplicate    MatchRule = "duplicate"         // the same page, or the same certificate on the same blank; TwinID is the first
	PageRuleNotScan      MatchRule = "not a scan"        // an entry of an archive that is neither PDF nor picture
	PageRuleNested       MatchRule = "archive inside"    // an entry of an archive that is an archive
	PageRuleLocked       MatchRule = "locked"            // an entry of an archive with a password
	PageRuleUnreadable   MatchRule = "unreadable"        // it could not be taken out of its file, or worked at all
	PageRuleCancelled    MatchRule = "cancelled"         // a person took its batch back
	PageRulePerson       MatchRule = "person"            // a person chose, no reading of the machine supports it
	PageRuleSupported    MatchRule = "person+reading"    // a person chose, and readings of the machine agree
	PageRuleNoScan       MatchRule = "not a certificate" // a person said so
	PageRuleRescan       MatchRule = "rescan"            // a person said that it must be scanned again
	PageRuleTakenBack    MatchRule = "taken back"        // a person asks about what the machine was certain of
)

// batchTable is the life of a batch: from, event, to, who.
var batchTable = fsm.MustTable(BatchOpen,
	fsm.Row(BatchOpen, BatchAsk, BatchChoosing, batchBySystem),
	fsm.Row(BatchOpen, BatchSettle, BatchSettled, batchBySystem),
	fsm.Row(BatchChoosing, BatchChoose, BatchOpen, worksWithBatch, examUnknown),
	fsm.Row(BatchOpen, BatchChoose, BatchOpen, worksWithBatch, examUnknown), // more files came to a batch that had asked
	fsm.Row(BatchChoosing, BatchJoin, BatchOpen, sentBatch),
	fsm.Row(BatchOpen, BatchCancel, BatchCancelled, worksWithBatch),
	fsm.Row(BatchChoosing, BatchCancel, BatchCancelled, worksWithBatch),
)

// pageTable is the life of a page: from, event, to, who. What was read is settled
// in one transaction for the whole batch, so that two pages of one application
// meet before either is loaded.
var pageTable = fsm.MustTable(PageWaiting,
	fsm.Row(PageWaiting, PageEventRead, PageRead, pageBySystem),
	fsm.Row(PageRead, PageEventMatch, PageMatched, pageBySystem),
	fsm.Row(PageRead, PageEventAsk, PageQuestion, pageBySystem),
	fsm.Row(PageRead, PageEventAside, PageAside, pageBySystem),
	fsm.Row(PageMatched, PageEventAsk, PageQuestion, pageBySystem), // another page contradicts it
	fsm.Row(PageQuestion, PageEventChoose, PageMatched, decidesPage),
	fsm.Row(PageQuestion, PageEventDismiss, PageAside, decidesPage),
	fsm.Row(PageMatched, PageEventUndo, PageQuestion, decidesPage),
	fsm.Row(PageAside, PageEventUndo, PageQuestion, decidesPage),
	fsm.Row(PageQuestion, PageEventAgain, PageWaiting, decidesPage),
	fsm.Row(PageRead, PageEventAgain, PageWaiting, decidesPage), // against the list of the exam that was chosen
	fsm.Row(PageWaiting, PageEventCancel, PageCancelled, decidesPage),
	fsm.Row(PageRead, PageEventCancel, PageCancelled, decidesPage),
)

// batchMove is what a guard of batchTable looks at.
type batchMove struct {
	by    Actor
	batch *ScanBatch
}

// pageMove is what a guard of pageTable looks at.
type pageMove struct {
	by   Actor
	exam *Exam
}

func batchBySystem(m batchMove) error { return bySystem(actMove{by: m.by}) }

// worksWithBatch lets the staff of the center decide about a batch: whoever sent
// it may be away, or work there no more.
func worksWithBatch(m batchMove) error { return isStaffOf(m.by, m.batch.CenterID) }

// sentBatch lets whoever sent the batch go on with it, as long as they work in
// the center.
func sentBatch(m batchMove) error {
	if m.by.PersonID != m.batch.PersonID {
		return refuse(Forbidden, ReasonForbidden)
	}
	return isStaffOf(m.by, m.batch.CenterID)
}

// examUnknown lets the exam of a batch be said once.
func examUnknown(m batchMove) error {
	if m.batch.ExamID != 0 {
		return refuse(Conflict, ReasonBatchChosen)
	}
	return nil
}

func pageBySystem(m pageMove) error { return bySystem(actMove{by: m.by}) }

func decidesPage(m pageMove) error { return isStaffOf(m.by, m.exam.CenterID) }

// The refusals about batches and pages.
const (
	ReasonBatchCenter    Reason = "batch.center"    // the person works in several centers: which is not said
	ReasonBatchNoExam    Reason = "batch.no_exam"   // no exam of the center waits for scans
	ReasonBatchEarly     Reason = "batch.early"     // nobody of the exam has a registration number; Data: Exam
	ReasonBatchChosen    Reason = "batch.chosen"    // the exam of the batch is known already, from its pages
	ReasonBatchDoubt     Reason = "batch.doubt"     // its pages do not speak for that exam; Data: BatchDoubt
	ReasonBatchSettled   Reason = "batch.settled"   // its pages are decided: each is taken back by itself
	ReasonPageDelivered  Reason = "page.delivered"  // the scan has gone to its candidate, or is going; Data: ScanFault
	ReasonPageSuperseded Reason = "page.superseded" // another scan stands at the application; Data: ScanFault
)

// Subjects of history. That of a batch keeps what people decided about it; all
// else follows from its pages.
const (
	SubjectBatch = "scan_batch"
	SubjectPage  = "scan_page"
)

// ScanBatchQueries asks about batches, their files and pages.
type ScanBatchQueries interface {
	// ScanBatch returns NotFound when there is none.
	ScanBatch(ctx context.Context, id int64) (*ScanBatch, error)
	// OpenScanBatch returns the newest batch of a person in a center that files can
	// join, nil when there is none. ExamID 0 is of any exam, or none yet.
	OpenScanBatch(ctx context.Context, personID, centerID, examID int64) (*ScanBatch, error)
	// ScanBatchBefore returns the newest batch of the same person and exam, with
	// pages, that was settled before this one began, since a moment; nil when there is
	// none.
	ScanBatchBefore(ctx context.Context, b *ScanBatch, since time.Time) (*ScanBatch, error)
	// BatchesToChoose lists the batches of centers of which nobody knows the exam,
	// oldest first, at most limit.
	BatchesToChoose(ctx context.Context, centers []int64, limit int) ([]BatchToChoose, error)
	// ScanFile returns NotFound when there is none.
	ScanFile(ctx context.Context, id int64) (*ScanFile, error)
	// ScanFiles lists the files of a batch in the order in which they came.
	ScanFiles(ctx context.Context, batchID int64) ([]ScanFile, error)
	// ScanPage returns NotFound when there is none.
	ScanPage(ctx context.Context, id int64) (*ScanPage, error)
	// ScanPages lists the pages of a batch in these states, nil for all, in the
	// order in which they came, from offset on, at most limit. Their evidence is
	// left out.
	ScanPages(ctx context.Context, batchID int64, states []PageState, offset, limit int) ([]ScanPage, error)
	// AskedTwins returns the pages of a batch that were set aside because they repeat
	// one that is a question now, each with the batch of that one.
	AskedTwins(ctx context.Context, batchID int64) (map[int64]int64, error)
	// ScanPageNumbers are the numbers of the pages of a file that are there.
	ScanPageNumbers(ctx context.Context, fileID int64) ([]int, error)
	// ScanWaiting counts what of a batch is still worked: files and pages.
	ScanWaiting(ctx context.Context, batchID int64) (files, pages int, err error)
	// ScanVotes counts, by exam, the pages of a batch that were read and not
	// decided, and seem to be some application's.
	ScanVotes(ctx context.Context, batchID int64) (map[int64]int, error)
	// StrayScans lists what waits and is worked by nobody any more, each at most
	// limit: files and pages whose job is dead, and batches of which everything is
	// read and the last job died a while ago.
	StrayScans(ctx context.Context, limit int) (files, pages, batches []int64, err error)
	// PageOfScan returns the page that became a scan, nil when it was none.
	PageOfScan(ctx context.Context, scanID int64) (*ScanPage, error)
	// PageBefore returns the first other page of an exam with these bytes that was
	// decided before the page of an id, or came before it in the same batch, nil when
	// there is none. Pages that were set aside because they could not be read, must be
	// scanned again, were not due, or repeat another do not count, nor those that were
	// cancelled.
	PageBefore(ctx context.Context, examID int64, sha string, id int64) (*ScanPage, error)
	// ScanReplacedBy returns the scan whose place another took, nil when it took
	// none's.
	ScanReplacedBy(ctx context.Context, scanID int64) (*Scan, error)
	// ExamsForScans lists the exams of a center that wait for scans, newest first,
	// at most limit.
	ExamsForScans(ctx context.Context, centerID int64, limit int) ([]ExamItem, error)
	// NumberInCenter returns the application of a center with a registration
	// number, nil when there is none.
	NumberInCenter(ctx context.Context, centerID int64, number string) (*Application, error)
	// NumberedInCenter returns the applications of other exams of an exam's center
	// that have one of these numbers.
	NumberedInCenter(ctx context.Context, examID int64, numbers []string) ([]Application, error)
	// AwaitedAlike lists applications of other exams of an application's center that
	// wait for scans: those to which a certificate is due, of which no scan that a
	// reading supports is there, and that have its name, or a number that agrees with a
	// reading ('?' where it was not read; "" for none), at most limit, those of its name
	// first.
	AwaitedAlike(ctx context.Context, a *Application, read string, limit int) ([]Application, error)
	// PrintedFor returns the application of an exam for which a registration number
	// was printed last, 0 when it was not.
	PrintedFor(ctx context.Context, examID int64, number string) (int64, error)
	// PrintedState names what the list of printed certificates of exams is made
	// of: as long as it is the same, the list is.
	PrintedState(ctx context.Context, examIDs []int64) (string, error)
	// PrintedForms returns, for each application of the exams to which a certificate
	// is due, what was printed last for it.
	PrintedForms(ctx context.Context, examIDs []int64) ([]PrintedForm, error)
	// PrintedProfiles returns the blank profiles of printings.
	PrintedProfiles(ctx context.Context, printingIDs []int64) (map[int64]BlankProfile, error)
	// QuestionsOf returns all questions of an exam with their evidence.
	QuestionsOf(ctx context.Context, examID int64) ([]ScanPage, error)
	// TakenOff lists, by name, the applications of an exam whose scan was taken back
	// because a page of a batch contradicts it, and which is a question since.
	TakenOff(ctx context.Context, examID, batchID int64) ([]Application, error)
	// PagesOfExam lists the pages that were sent for an exam with their evidence,
	// file by file, at most limit.
	PagesOfExam(ctx context.Context, examID int64, limit int) ([]ScanPage, error)
}

// PrintedForm is what was printed last for an application.
type PrintedForm struct {
	Application Application
	PrintingID  int64       // 0: nothing yet
	Certificate Certificate // zero: nothing yet
}

// ScanBatchCommands changes batches, their files and pages. Whoever holds a batch
// and its exam has held the exam before. A page that is not decided is changed by
// who holds its batch, one that is by who holds its exam.
type ScanBatchCommands interface {
	// InsertScanBatch sets the new ID.
	InsertScanBatch(ctx context.Context, b *ScanBatch) error
	// ScanBatchForUpdate is ScanBatch and holds the row.
	ScanBatchForUpdate(ctx context.Context, id int64) (*ScanBatch, error)
	// SaveScanBatch writes every column of a batch that exists.
	SaveScanBatch(ctx context.Context, b *ScanBatch) error
	// InsertScanFile sets the new ID. It reports false for the same file of one
	// update again, which changes nothing: f becomes what the first one is by now.
	InsertScanFile(ctx context.Context, f *ScanFile) (bool, error)
	// SaveScanFile writes every column of a file that exists, whose batch is held.
	SaveScanFile(ctx context.Context, f *ScanFile) error
	// SaveScanFileContent writes where a file that was fetched lies, and its bytes.
	SaveScanFileContent(ctx context.Context, id int64, sha string, size int64) error
	// SaveScanFilePages writes how many pages of a file were found so far.
	SaveScanFilePages(ctx context.Context, id int64, pages int) error
	// InsertScanPage sets the new ID. It reports false, and changes nothing, when
	// the page of this number is there.
	InsertScanPage(ctx context.Context, p *ScanPage) (bool, error)
	// ScanPageForUpdate is ScanPage and holds the row.
	ScanPageForUpdate(ctx context.Context, id int64) (*ScanPage, error)
	// PagesToSettle returns the pages of a batch that were read and not decided,
	// with their evidence, in the order in which they came, and holds them.
	PagesToSettle(ctx context.Context, batchID int64) ([]ScanPage, error)
	// PagesToCancel returns the pages of a batch that are not decided, without their
	// evidence, and holds them.
	PagesToCancel(ctx context.Context, batchID int64) ([]ScanPage, error)
	// CancelScanPages writes that a person has cancelled pages, and counts their
	// revisions up. Entries that are no pages keep their rule, see EntryRules.
	CancelScanPages(ctx context.Context, ids []int64, personID int64, at time.Time) error
	// SaveScanPage writes every column of a page that exists.
	SaveScanPage(ctx context.Context, p *ScanPage) error
	// HoldDelivery keeps a notice from being sent until the transaction ends, and
	// returns what it is too late for: NoticeSending when a sender has it,
	// NoticeUnknown when it left without an answer, else "".
	HoldDelivery(ctx context.Context, personID int64, key string) (NoticeState, error)
	// FreeBlank makes a blank free again.
	FreeBlank(ctx context.Context, id int64) error
}

// ScanBatches takes scans in, has them read, and matches each page with its
// application.
type ScanBatches struct {
	*pageReader
	store   Store
	in      intake
	scans   *Scans
	sheet   func([]PageThumb) ([]byte, error)
	say     Say
	program string
	awaits  bool
	now     Clock
}

// ScanBatchesConfig is what ScanBatches works with.
type ScanBatchesConfig struct {
	Store       Store
	Chat        ChatFiles
	Foreign     Foreign
	Files       FileStore
	Scans       *Scans                            // what they read pages with, too
	Sheet       func([]PageThumb) ([]byte, error) // draws thumbnails side by side, as a JPEG
	MaxDownload int64                             // bytes; what the chat can fetch
	Say         Say
	Program     string // version, kept with what it reads
	Awaits      bool   // batches wait for more files that may follow; false in tests, where none come by themselves
	Now         Clock
}

// NewScanBatches returns the use cases.
func NewScanBatches(c ScanBatchesConfig) *ScanBatches {
	return &ScanBatches{
		pageReader: c.Scans.pages, store: c.Store, in: intake{c.Chat, c.Foreign, c.Files, c.MaxDownload}, scans: c.Scans,
		sheet: c.Sheet, say: c.Say, program: c.Program, awaits: c.Awaits, now: c.Now,
	}
}

// BatchNotice renews the card of progress of a batch, in the chat of who sent it and
// wherever a colleague looks at it.
type BatchNotice struct {
	BatchID int64 `json:"batch_id"`
}

// NoticeKind names the notice.
func (BatchNotice) NoticeKind() string { return "scan_batch" }

// NoticeLane is the lane of answers.
func (BatchNotice) NoticeLane() Lane { return LaneAnswer }

// NoticeKey keeps one for each batch: the card shows what is newest.
func (n BatchNotice) NoticeKey() string { return "scan_batch:" + strconv.FormatInt(n.BatchID, 10) }

// renew has the card of progress of a batch renewed, not before at (zero: at once).
func (b *ScanBatch) renew(ctx context.Context, tx Tx, at time.Time) error {
	n := BatchNotice{BatchID: b.ID}
	if err := tx.Enqueue(ctx, b.PersonID, n, at); err != nil {
		return err
	}
	return renew(ctx, tx, n, at)
}

// BatchReportNotice tells what came of a batch.
type BatchReportNotice struct {
	BatchID int64 `json:"batch_id"`
}

// NoticeKind names the notice.
func (BatchReportNotice) NoticeKind() string { return "scan_report" }

// NoticeLane is the lane of answers.
func (BatchReportNotice) NoticeLane() Lane { return LaneAnswer }

// NoticeKey keeps one for each batch.
func (n BatchReportNotice) NoticeKey() string {
	return "scan_report:" + strconv.FormatInt(n.BatchID, 10)
}

// BatchChooseNotice asks whose exam a batch is.
type BatchChooseNotice struct {
	BatchID int64 `json:"batch_id"`
}

// NoticeKind names the notice.
func (BatchChooseNotice) NoticeKind() string { return "scan_choose" }

// NoticeLane is the lane of answers.
func (BatchChooseNotice) NoticeLane() Lane { return LaneAnswer }

// NoticeKey keeps one for each batch.
func (n BatchChooseNotice) NoticeKey() string {
	return "scan_choose:" + strconv.FormatInt(n.BatchID, 10)
}

// Begin returns the exam for which the actor is about to send scans, or the
// refusal that they would meet: nobody has a registration number yet, or the
// center's blanks are not known.
func (s *ScanBatches) Begin(ctx context.Context, by Actor, examID int64) (*Exam, error) {
	e, err := s.store.Exam(ctx, by, examID)
	if err != nil {
		return nil, fmt.Errorf("exam %d: %w", examID, err)
	}
	if err := isStaffOf(by, e.CenterID); err != nil {
		return nil, err
	}
	return e, s.takesScans(ctx, s.store, e)
}

// takesScans refuses an exam for which no page could be recognised.
func (s *ScanBatches) takesScans(ctx context.Context, q Queries, e *Exam) error {
	if e.Numbered == 0 {
		return refuseWith(Conflict, ReasonBatchEarly, *e)
	}
	_, err := s.lists.of(ctx, q, e.CenterID, []int64{e.ID})
	return err
}

// ReceiveScans is a file of scans that a person has sent in chat.
type ReceiveScans struct {
	ExamID   int64  // 0: it has to be found from the pages
	CenterID int64  // when ExamID is 0; 0: the only one in which the person works
	UpdateID int64  // of the message: the same one again is the same file
	ChatRef  string // file_id in the chat
	Name     string // as the sender called it
	Size     int64  // bytes, as the chat tells
	Album    bool   // it came together with others, of which nobody announces the last
	Session  bool   // more follow until the sender says that these were all: see SentAll
}

// pause is how long more files are awaited after this one.
func (in *ReceiveScans) pause() time.Duration {
	switch {
	case in.Session:
		return SessionPause
	case in.Album:
		return FilesPause
	}
	return 0
}

// Receive takes a file of scans and asks a worker to take it apart. It joins what
// the actor is sending for the exam as long as that is not settled, else a new
// batch begins; without an exam it joins whatever the actor is sending in the
// center. What the chat cannot fetch is refused at once.
func (s *ScanBatches) Receive(ctx context.Context, by Actor, in ReceiveScans) (*ScanBatch, error) {
	if err := s.in.fits(in.Size); err != nil {
		return nil, err
	}
	var out *ScanBatch
	err := s.store.InTx(ctx, func(ctx context.Context, tx Tx) error {
		var err error
		out, err = s.receive(ctx, tx, by, in, "")
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("receive scans: %w", err)
	}
	return out, nil
}

// StoredScans is a file of scans that lies in the file store already.
type StoredScans struct {
	ExamID int64
	SHA    string
	Name   string // as the sender called it
	Size   int64  // bytes

	Session bool // see ReceiveScans
}

// ReceiveStored is Receive for a file that came by another way than the chat,
// within a transaction of the caller.
func (s *ScanBatches) ReceiveStored(ctx context.Context, tx Tx, by Actor, in StoredScans) (*ScanBatch, error) {
	if err := tx.SaveFile(ctx, File{SHA256: in.SHA, Size: in.Size, Type: typeUnknown}); err != nil {
		return nil, err
	}
	return s.receive(ctx, tx, by, ReceiveScans{ExamID: in.ExamID, Name: in.Name, Size: in.Size, Session: in.Session}, in.SHA)
}

// typeUnknown is the MIME type of a file that nobody has looked at.
const typeUnknown = "application/octet-stream"

func (s *ScanBatches) receive(ctx context.Context, tx Tx, by Actor, in ReceiveScans, sha string) (*ScanBatch, error) {
	centerID, err := s.centerOf(ctx, tx, by, in)
	if err != nil {
		return nil, err
	}
	held, err := tx.HoldSeat(ctx, by.PersonID, Seat{RoleCenterStaff, centerID})
	if err != nil {
		return nil, err
	}
	if !held {
		return nil, refuse(Forbidden, ReasonForbidden)
	}
	if err := tx.HoldDraftFiles(ctx, by.PersonID); err != nil { // of two files at once one begins the batch
		return nil, err
	}
	now := s.now().UTC()
	b, err := s.joined(ctx, tx, by, in, centerID, now)
	if err != nil {
		return nil, err
	}
	f := &ScanFile{
		BatchID: b.ID, UpdateID: in.UpdateID, ChatRef: in.ChatRef, Name: SafeName(in.Name), Size: in.Size,
		State: ScanFileWaiting, FileSHA: sha, AddedAt: now,
	}
	isNew, err := tx.InsertScanFile(ctx, f)
	if err != nil {
		return nil, err
	}
	if !isNew {
		return tx.ScanBatch(ctx, f.BatchID)
	}
	if err := tx.InsertJob(ctx, TakeApart{FileID: f.ID}); err != nil {
		return nil, err
	}
	return b, b.renew(ctx, tx, time.Time{})
}

// centerOf is the center to which a file is sent.
func (s *ScanBatches) centerOf(ctx context.Context, q Queries, by Actor, in ReceiveScans) (int64, error) {
	if in.ExamID != 0 {
		e, err := q.Exam(ctx, by, in.ExamID)
		if err != nil {
			return 0, err
		}
		return e.CenterID, s.takesScans(ctx, q, e)
	}
	id := in.CenterID
	if id == 0 {
		own := by.Orgs(RoleCenterStaff)
		switch len(own) {
		case 0:
			return 0, refuse(Forbidden, ReasonForbidden)
		case 1:
			id = own[0]
		default:
			return 0, refuse(Invalid, ReasonBatchCenter)
		}
	}
	waiting, err := q.ExamsForScans(ctx, id, 1)
	if err != nil {
		return 0, err
	}
	if len(waiting) == 0 {
		return 0, refuse(Conflict, ReasonBatchNoExam)
	}
	_, err = s.listFor(ctx, q, &ScanBatch{CenterID: id})
	return id, err
}

// joined returns the batch, held, that a new file joins.
func (s *ScanBatches) joined(ctx context.Context, tx Tx, by Actor, in ReceiveScans, centerID int64, now time.Time) (*ScanBatch, error) {
	seen, err := tx.OpenScanBatch(ctx, by.PersonID, centerID, in.ExamID)
	if err != nil {
		return nil, err
	}
	if seen != nil {
		b, err := tx.ScanBatchForUpdate(ctx, seen.ID)
		if err != nil {
			return nil, err
		}
		if !b.ended() {
			s.awaitMore(b, in.pause(), now)
			return b, s.join(ctx, tx, by, b, now)
		}
	}
	b := &ScanBatch{CenterID: centerID, ExamID: in.ExamID, PersonID: by.PersonID, State: BatchOpen, CreatedAt: now, NewestAt: now}
	s.awaitMore(b, in.pause(), now)
	return b, tx.InsertScanBatch(ctx, b)
}

// join notes that a file joins a batch, which is held.
func (s *ScanBatches) join(ctx context.Context, tx Tx, by Actor, b *ScanBatch, now time.Time) error {
	b.NewestAt = now
	if b.State != BatchOpen {
		return s.moveBatch(ctx, tx, by, b, BatchJoin)
	}
	return tx.SaveScanBatch(ctx, b)
}

// moveBatch makes a move of a batch, which is held, and saves it.
func (s *ScanBatches) moveBatch(ctx context.Context, tx Tx, by Actor, b *ScanBatch, ev BatchEvent) error {
	from, now := b.State, s.now().UTC()
	to, err := batchTable.Next(from, ev, batchMove{by, b})
	if ev == BatchCancel && from == BatchSettled {
		return &Error{Kind: Conflict, Reason: ReasonBatchSettled, Err: err}
	}
	if errors.Is(err, fsm.ErrNoMove) || ReasonOf(err) == ReasonBatchChosen {
		return batchMovedOn(ctx, tx, by, b, err)
	}
	if err != nil {
		return err
	}
	b.State = to
	if to == BatchSettled {
		b.SettledAt = &now
	}
	if err := tx.SaveScanBatch(ctx, b); err != nil || ev != BatchChoose && ev != BatchCancel {
		return err
	}
	return tx.AddHistory(ctx, History{
		Subject: SubjectBatch, SubjectID: b.ID, At: now, PersonID: by.PersonID,
		Event: string(ev), FromStatus: string(from), ToStatus: string(to),
	})
}

// batchMovedOn is the refusal of a move that a batch does not make any more. It
// tells who has decided, if a person has.
func batchMovedOn(ctx context.Context, q Queries, by Actor, b *ScanBatch, cause error) error {
	last, err := q.HistoryOf(ctx, SubjectBatch, b.ID, 1)
	switch {
	case err != nil:
		return err
	case len(last) == 0:
		return &Error{Kind: Conflict, Reason: ReasonBatchChosen, Err: cause}
	}
	return movedOn(ctx, q, by, SubjectBatch, b.ID, cause)
}

// PagePlace says where a page of a batch stands.
type PagePlace struct {
	PageID int64
	File   string // name
	Name   string // of the archive's entry, "" outside of archives
	Number int    // in its entry, or in its file, from 1
	Of     int    // how many pages that has
}

// AsideGroup is the pages that were set aside by one rule.
type AsideGroup struct {
	Rule  MatchRule
	Pages []PagePlace
}

// mostMissing is how many of those who have no scan yet are named: more is no
// list that anybody reads in a chat.
const mostMissing = 20

// mostPages is more than a batch has in practice; a file has at most 1000.
const mostPages = 100_000

// moreFiles is how soon after a batch was settled further files are told of as more
// of it: as long as one link for uploads lives.
const moreFiles = uploadLinkLife

// BatchView is everything that is told of a batch. While it is open the counts are
// what the machine thinks so far.
type BatchView struct {
	Batch     ScanBatch
	Sender    string   // name
	ChosenBy  string   // name of the colleague who said which exam it is, "" when none did
	Cancelled *History // nil unless it is cancelled

	// After is what the sender sent for the exam shortly before, and was told of by
	// itself: these are more files of it. It is nil when there is none.
	After *ScanBatch

	Exam       *Exam // nil while it is not known
	Files      []ScanFile
	Refused    []ScanFile // of these
	Found      int        // pages
	Read       int        // of these
	Matched    int        // of these, with their application
	Questions  int        // of those read, for a person to decide
	Aside      int        // of those read
	AsideBy    []AsideGroup
	Repeats    []PagePlace    // of those set aside: what repeats a question that is still open
	RepeatsOf  int64          // the batch of the first of these questions
	Awaits     bool           // everything is read, and more files are awaited
	Entries    int            // of archives that are no pages, and are counted nowhere else
	EntriesBy  []AsideGroup   // by why not
	Loaded     int            // of the exam: applications with a scan
	Successful int            // of the exam: applications to which a certificate is due
	Missing    []Application  // of the exam: due, and without a scan, by name; the first 20
	More       int            // how many more are missing
	Open       int            // of the exam: pages that wait for a person, of whatever batch
	Asked      map[int64]bool // of the exam: applications whose page one of these seems to be
	TakenOff   []Application  // of the exam: the scan was taken back because a page of this batch contradicts it, and is a question; by name
}

// Batch returns a batch to who sent it and to the staff of its center.
func (s *ScanBatches) Batch(ctx context.Context, by Actor, id int64) (*BatchView, error) {
	b, err := s.visible(ctx, by, id)
	if err != nil {
		return nil, err
	}
	v := &BatchView{Batch: *b}
	if err := s.name(ctx, v); err != nil {
		return nil, fmt.Errorf("people of batch %d: %w", id, err)
	}
	if v.Files, err = s.store.ScanFiles(ctx, id); err != nil {
		return nil, fmt.Errorf("files of batch %d: %w", id, err)
	}
	for _, f := range v.Files {
		if f.State == ScanFileRefused {
			v.Refused = append(v.Refused, f)
		}
	}
	pages, err := s.store.ScanPages(ctx, id, nil, 0, mostPages)
	if err != nil {
		return nil, fmt.Errorf("pages of batch %d: %w", id, err)
	}
	twins, err := s.store.AskedTwins(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("repeated pages of batch %d: %w", id, err)
	}
	v.count(pages, twins)
	v.Awaits = b.awaits(s.now()) > 0 && v.Read == v.Found && !slices.ContainsFunc(v.Files, func(f ScanFile) bool { return f.State == ScanFileWaiting })
	if b.ExamID == 0 {
		return v, nil
	}
	if v.Exam, err = s.store.Exam(ctx, System, b.ExamID); err != nil {
		return nil, fmt.Errorf("exam %d: %w", b.ExamID, err)
	}
	if v.After, err = s.store.ScanBatchBefore(ctx, b, b.CreatedAt.Add(-moreFiles)); err != nil {
		return nil, fmt.Errorf("batch before %d: %w", id, err)
	}
	return v, s.against(ctx, v)
}

// name fills in who had to do with a batch.
func (s *ScanBatches) name(ctx context.Context, v *BatchView) error {
	sender, err := s.store.Person(ctx, v.Batch.PersonID)
	if err != nil {
		return err
	}
	v.Sender = sender.Name
	if v.Batch.State == BatchCancelled {
		last, err := s.store.HistoryOf(ctx, SubjectBatch, v.Batch.ID, 1)
		if err != nil {
			return err
		}
		v.Cancelled = &last[0]
	}
	if v.Batch.ChosenBy == 0 || v.Batch.ChosenBy == v.Batch.PersonID {
		return nil
	}
	other, err := s.store.Person(ctx, v.Batch.ChosenBy)
	if err != nil {
		return err
	}
	v.ChosenBy = other.Name
	return nil
}

// visible returns a batch that the actor may see.
func (s *ScanBatches) visible(ctx context.Context, by Actor, id int64) (*ScanBatch, error) {
	b, err := s.store.ScanBatch(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("batch %d: %w", id, err)
	}
	if isStaffOf(by, b.CenterID) != nil && !by.IsSystem() {
		return nil, refuse(NotFound, ReasonNotFound)
	}
	return b, nil
}

// count counts the pages, and the entries of archives that are none.
func (v *BatchView) count(pages []ScanPage, twins map[int64]int64) {
	places := placesOf(v.Files, pages)
	for i := range pages {
		p := &pages[i]
		if p.NoPage() {
			v.Entries++
			v.EntriesBy = grouped(v.EntriesBy, p.Rule, places[i])
			continue
		}
		v.Found++
		if p.State == PageWaiting {
			continue
		}
		v.Read++
		switch p.opinion() {
		case PageMatched:
			v.Matched++
		case PageAside:
			v.Aside++
			v.AsideBy = grouped(v.AsideBy, p.Rule, places[i])
			if of := twins[p.ID]; of != 0 {
				v.Repeats, v.RepeatsOf = append(v.Repeats, places[i]), cmp.Or(v.RepeatsOf, of)
			}
		case PageCancelled:
		case PageWaiting, PageRead, PageQuestion:
			v.Questions++
		}
	}
}

// grouped adds a page to those of its rule.
func grouped(list []AsideGroup, rule MatchRule, p PagePlace) []AsideGroup {
	at := slices.IndexFunc(list, func(g AsideGroup) bool { return g.Rule == rule })
	if at < 0 {
		at, list = len(list), append(list, AsideGroup{Rule: rule})
	}
	list[at].Pages = append(list[at].Pages, p)
	return list
}

// placesOf says where each page of a batch stands.
func placesOf(files []ScanFile, pages []ScanPage) []PagePlace {
	names := make(map[int64]string, len(files))
	for _, f := range files {
		names[f.ID] = f.Name
	}
	type part struct {
		file int64
		name string
	}
	have := make(map[part]int)
	out := make([]PagePlace, 0, len(pages))
	for i := range pages {
		p := &pages[i]
		at := part{p.FileID, p.Name}
		have[at]++
		out = append(out, PagePlace{PageID: p.ID, File: names[p.FileID], Name: p.Name, Number: have[at]})
	}
	for i := range pages {
		out[i].Of = have[part{pages[i].FileID, pages[i].Name}]
		if pages[i].Name == "" { // a file that could not be read to its end
			out[i].Number, out[i].Of = pages[i].Number, max(out[i].Of, pages[i].Number)
		}
	}
	return out
}

// opinion is the state of a page, or what it will most likely be.
func (p *ScanPage) opinion() PageState {
	switch {
	case p.State != PageRead:
		return p.State
	case p.Rule == MatchEmpty || p.Rule == PageRuleUnreadable || p.NoPage():
		return PageAside
	case p.ApplicationID != 0:
		return PageMatched
	}
	return PageQuestion
}

// entryRule is the rule for what cannot be read, by why it was refused. Of entries
// of archives that are no pages it says so: scanning them anew would not help.
func entryRule(why Reason) MatchRule {
	if why == ReasonFileNotPDF || why == ReasonArchiveOddEntry {
		return PageRuleNotScan
	}
	if why == ReasonArchiveNested {
		return PageRuleNested
	}
	if why == ReasonFileEncrypted {
		return PageRuleLocked
	}
	return PageRuleUnreadable
}

// EntryRules are the rules of entries of archives that are no pages at all.
var EntryRules = []MatchRule{PageRuleNotScan, PageRuleNested, PageRuleLocked}

// NoPage reports whether it is an entry of an archive that is no page at all.
func (p *ScanPage) NoPage() bool { return slices.Contains(EntryRules, p.Rule) }

// against counts what the exam has.
func (s *ScanBatches) against(ctx context.Context, v *BatchView) error {
	list, err := s.store.Applications(ctx, v.Exam.ID)
	if err != nil {
		return fmt.Errorf("applications of exam %d: %w", v.Exam.ID, err)
	}
	for i := range list {
		switch a := &list[i]; {
		case !a.Entitled():
			continue
		case a.ScanID != 0:
			v.Loaded++
		case len(v.Missing) < mostMissing:
			v.Missing = append(v.Missing, *a)
		default:
			v.More++
		}
		v.Successful++
	}
	open, err := s.store.QuestionPages(ctx, v.Exam.ID, mostPages)
	if err != nil {
		return fmt.Errorf("questions of exam %d: %w", v.Exam.ID, err)
	}
	v.Open, v.Asked = len(open), make(map[int64]bool, len(open))
	for i := range open {
		v.Asked[open[i].ApplicationID] = true
	}
	if v.TakenOff, err = s.store.TakenOff(ctx, v.Exam.ID, v.Batch.ID); err != nil {
		return fmt.Errorf("scans that batch %d took off: %w", v.Batch.ID, err)
	}
	return nil
}

// Shown notes in which message of the actor's chat the card of progress stands,
// and that it was changed just now. The first change after the card came may
// follow at once.
func (s *ScanBatches) Shown(ctx context.Context, by Actor, id, messageID int64) error {
	err := s.store.InTx(ctx, func(ctx context.Context, tx Tx) error {
		b, err := tx.ScanBatchForUpdate(ctx, id)
		if err != nil {
			return err
		}
		if b.PersonID != by.PersonID {
			return refuse(NotFound, ReasonNotFound)
		}
		if b.MessageID != 0 {
			now := s.now().UTC()
			b.ShownAt = &now
		}
		b.MessageID = messageID
		return tx.SaveScanBatch(ctx, b)
	})
	if err != nil {
		return fmt.Errorf("show batch %d: %w", id, err)
	}
	return nil
}

// SheetPages is how many pages one picture of a batch shows at most: thumbnails
// that a telephone can show.
const SheetPages = 60

// Sheet draws the pages of a batch as thumbnails side by side, marked with what
// became of them: at most SheetPages, from the page of an ordinal on, which counts
// from 0. It returns nil when there is none from there on, and when nothing came of
// any of them: backs of sheets need not be looked at.
func (s *ScanBatches) Sheet(ctx context.Context, by Actor, batchID int64, from int) ([]byte, error) {
	if _, err := s.visible(ctx, by, batchID); err != nil {
		return nil, err
	}
	pages, err := s.store.ScanPages(ctx, batchID, nil, 0, mostPages)
	if err != nil {
		return nil, fmt.Errorf("pages of batch %d: %w", batchID, err)
	}
	pages = slices.DeleteFunc(pages, func(p ScanPage) bool { return p.NoPage() })
	if from >= len(pages) {
		return nil, nil
	}
	pages = pages[from:min(len(pages), from+SheetPages)]
	if !slices.ContainsFunc(pages, func(p ScanPage) bool { return p.opinion() != PageAside }) {
		return nil, nil
	}
	thumbs := make([]PageThumb, 0, len(pages))
	for i := range pages {
		p := &pages[i]
		t := PageThumb{Number: from + i + 1, Mark: pageMarks[p.opinion()]}
		if p.ThumbSHA != "" {
			if t.JPEG, err = s.bytes(ctx, p.ThumbSHA); err != nil {
				return nil, fmt.Errorf("page %d: %w", p.ID, err)
			}
		}
		thumbs = append(thumbs, t)
	}
	sheet, err := s.sheet(thumbs)
	if err != nil {
		return nil, fmt.Errorf("pages of batch %d: %w", batchID, err)
	}
	return sheet, nil
}

// pageMarks is how pages of each state are marked on a picture.
var pageMarks = map[PageState]PageMark{
	PageWaiting: MarkQuestion, PageRead: MarkQuestion,
	PageMatched: MarkMatched, PageQuestion: MarkQuestion, PageAside: MarkAside, PageCancelled: MarkAside,
}

// ReadingOf is what was read on a page; nil before it was.
func (p *ScanPage) ReadingOf() (*PageReading, error) { return readingOf(p.Evidence) }
