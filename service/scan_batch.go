package service

import (
	"encoding/json"
	"time"

	"flowbot/service/fsm"
)

// ScanBatch is what one person sends of an exam's certificates until it is
// reported. Files join it as long as it is open.
type ScanBatch struct {
	ID        int64 `bun:",pk,autoincrement"`
	CenterID  int64
	ExamID    int64 `bun:",nullzero"` // 0 while it has to be found from the pages
	PersonID  int64
	State     BatchState
	MessageID int64      `bun:",nullzero"` // of the card of progress in the person's chat
	ShownAt   *time.Time // UTC; when that card was last changed
	CreatedAt time.Time  // UTC
	NewestAt  time.Time  // UTC; when the newest file came
	SettledAt *time.Time // UTC
}

// BatchState is where a batch stands.
type BatchState string

// The states.
const (
	BatchOpen     BatchState = "open"     // files come, pages are read
	BatchChoosing BatchState = "choosing" // everything is read, and no page says which exam it is
	BatchSettled  BatchState = "settled"  // every page is decided or is a question; it is reported
)

// BatchEvent is what happens to a batch.
type BatchEvent string

// The events.
const (
	BatchAsk    BatchEvent = "ask"    // which exam it is
	BatchChoose BatchEvent = "choose" // the person says so
	BatchSettle BatchEvent = "settle"
)

// ScanFile is one file of a batch.
type ScanFile struct {
	ID       int64 `bun:",pk,autoincrement"`
	BatchID  int64
	UpdateID int64  // of the message that brought it; 0: it came by the upload page
	ChatRef  string // file_id in the chat; "" as above
	Name     string // as the sender called it, cleaned of what cannot be shown
	Size     int64  // bytes
	Album    bool   // sent together with others, whose end is not announced
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
)

// ScanPage is one page of a batch, with what was read on it and what was decided.
type ScanPage struct {
	ID            int64 `bun:",pk,autoincrement"`
	BatchID       int64
	FileID        int64
	Number        int    // in its file, from 1
	Name          string // of the archive's entry that it came from
	ExamID        int64  `bun:",nullzero"` // 0 while it has to be found
	State         PageState
	Rule          MatchRule       // why it is in its state; also the page rules below
	ApplicationID int64           `bun:",nullzero"` // whose certificate it is, or seems to be
	ScanID        int64           `bun:",nullzero"` // the scan that it became
	TwinID        int64           `bun:",nullzero"` // the page that it repeats, or contradicts
	SHA           string          `bun:"sha,nullzero"`
	CleanSHA      string          `bun:",nullzero"` // one page, PDF
	ThumbSHA      string          `bun:",nullzero"`
	ViewSHA       string          `bun:",nullzero"`           // "" before it was drawn
	LinesSHA      string          `bun:",nullzero"`           // "" before it was drawn, or where no blank was found
	Evidence      json.RawMessage `bun:"type:jsonb,nullzero"` // PageReading; nil before it was read
	Program       string          // version that read it
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
	PageRuleOtherExam    MatchRule = "other exam"        // it agrees with another exam of the center
	PageRuleDuplicate    MatchRule = "duplicate"         // the same page, or the same certificate on the same blank; TwinID is the first
	PageRuleUnreadable   MatchRule = "unreadable"        // it could not be taken out of its file, or worked at all
	PageRulePerson       MatchRule = "person"            // a person chose, no reading of the machine supports it
	PageRuleSupported    MatchRule = "person+reading"    // a person chose, and readings of the machine agree
	PageRuleNoScan       MatchRule = "not a certificate" // a person said so
	PageRuleRescan       MatchRule = "rescan"            // a person said that it must be scanned again
	PageRuleTakenBack    MatchRule = "taken back"        // a person took a decision back
)

// batchTable is the life of a batch: from, event, to, who.
var batchTable = fsm.MustTable(BatchOpen,
	fsm.Row(BatchOpen, BatchAsk, BatchChoosing, batchBySystem),
	fsm.Row(BatchOpen, BatchSettle, BatchSettled, batchBySystem),
	fsm.Row(BatchChoosing, BatchChoose, BatchOpen, sentBatch),
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

// sentBatch lets whoever sent the batch go on with it, as long as they work in
// the center.
func sentBatch(m batchMove) error {
	if m.by.PersonID != m.batch.PersonID {
		return refuse(Forbidden, ReasonForbidden)
	}
	return isStaffOf(m.by, m.batch.CenterID)
}

func pageBySystem(m pageMove) error { return bySystem(actMove{by: m.by}) }

func decidesPage(m pageMove) error { return isStaffOf(m.by, m.exam.CenterID) }

// ScanBatchQueries asks about batches, their files and pages.
type ScanBatchQueries interface{}

// ScanBatchCommands changes them. Whoever changes pages has locked the exam, if it
// is known, and then the batch.
type ScanBatchCommands interface{}

// ScanBatches takes scans in, has them read, and matches each page with its
// application.
type ScanBatches struct {
	store      Store
	in         intake
	scans      *Scans
	printer    Printer
	recogniser Recogniser
	profiles   []BlankProfile // built in
	say        Say
	program    string
	now        Clock
}

// ScanBatchesConfig is what ScanBatches works with.
type ScanBatchesConfig struct {
	Store       Store
	Chat        ChatFiles
	Foreign     Foreign
	Files       FileStore
	Scans       *Scans
	Printer     Printer
	Recogniser  Recogniser
	Profiles    []BlankProfile // built in
	MaxDownload int64          // bytes; what the chat can fetch
	Say         Say
	Program     string // version, kept with what it reads
	Now         Clock
}

// NewScanBatches returns the use cases.
func NewScanBatches(c ScanBatchesConfig) *ScanBatches {
	return &ScanBatches{
		store: c.Store, in: intake{c.Chat, c.Foreign, c.Files, c.MaxDownload}, scans: c.Scans, printer: c.Printer,
		recogniser: c.Recogniser, profiles: c.Profiles, say: c.Say, program: c.Program, now: c.Now,
	}
}

// ReadingOf is what was read on a page; nil before it was.
func (p *ScanPage) ReadingOf() (*PageReading, error) {
	if p.Evidence == nil {
		return nil, nil //nolint:nilnil // nothing was read, which is no error
	}
	r := &PageReading{}
	return r, json.Unmarshal(p.Evidence, r)
}
