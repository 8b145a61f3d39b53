package service

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"time"
)

// Scan is the picture of a printed, signed certificate, as it was loaded for its
// application. None is ever destroyed; a newer one takes its place. What an
// archive brought has its blank written down later.
type Scan struct {
	ID            int64 `bun:",pk,autoincrement"`
	ApplicationID int64
	Version       int    // from 1
	FileName      string // as the sender called it
	FileSHA       string // the original as it came
	PageSHA       string `bun:",nullzero"` // the page as it was taken out of it; "" where it was not, or is the original
	CleanSHA      string // what the candidate gets
	BlankSeries   string // "" where the house has none
	BlankNumber   string // "" while nobody has said it
	Source        ScanSource
	Supported     bool       // readings of the machine agree with whose it is: it may go out before its hold is over
	LoadedBy      int64      `bun:",nullzero"`
	LoadedAt      time.Time  // UTC
	ReplacedAt    *time.Time // UTC; nil while it stands
}

// Blank is the blank that the certificate is printed on.
func (s *Scan) Blank() BlankKey { return BlankKey{s.BlankSeries, s.BlankNumber} }

// ScanSource is how a scan found its application.
type ScanSource string

// The sources.
const (
	ScanByPerson  ScanSource = "person"  // loaded for this application
	ScanByArchive ScanSource = "archive" // by its name in a zip; none is loaded so any more
	ScanByPage    ScanSource = "page"    // a page of a batch, see ScanPage
)

// ScanQueries asks about scans.
type ScanQueries interface {
	// Scan returns NotFound when there is none.
	Scan(ctx context.Context, id int64) (*Scan, error)
	// ScanVersion is the newest version of an application's scans, 0 before the
	// first.
	ScanVersion(ctx context.Context, applicationID int64) (int, error)
	// StandsElsewhere returns an application, other than this one, whose present scan
	// was made of one of these files, or of a page that is one of them; 0 for none.
	StandsElsewhere(ctx context.Context, files []string, applicationID int64) (int64, error)
	// UnnamedScans lists the applications of a center whose loaded scan came
	// without its blank, by exam and name, from offset on, at most limit.
	UnnamedScans(ctx context.Context, centerID int64, offset, limit int) ([]Application, error)
}

// ScanCommands changes scans. Whoever does has locked the exam before.
type ScanCommands interface {
	// InsertScans sets the new IDs.
	InsertScans(ctx context.Context, list []Scan) error
	// HoldScanFiles keeps others from holding files of these hashes until the
	// transaction ends, so that what StandsElsewhere says of them stays true; "" is
	// none. Whoever holds an exam, too, has held that before.
	HoldScanFiles(ctx context.Context, files []string) error
	// SaveScan writes the blank and when the scan was replaced.
	SaveScan(ctx context.Context, s *Scan) error
}

// The refusals about scans and handovers.
const (
	ReasonScanNotEntitled Reason = "scan.not_entitled" // Data: ScanFault
	ReasonScanLoaded      Reason = "scan.loaded"       // replacing was not asked for; Data: ScanFault
	ReasonScanNumber      Reason = "scan.number"       // no registration number can look so
	ReasonScanOtherNumber Reason = "scan.other_number" // the application has another; Data: ScanFault
	ReasonScanNumberTaken Reason = "scan.number_taken" // it stands at another application; Data: ScanFault of that one
	ReasonScanDay         Reason = "scan.day"          // no day
	ReasonScanDayLate     Reason = "scan.day_late"     // in the future
	ReasonScanDayEarly    Reason = "scan.day_early"    // before the exam; Data: the exam's day
	ReasonScanOtherDay    Reason = "scan.other_day"    // the application has another; Data: ScanFault
	ReasonScanMissing     Reason = "scan.missing"      // none is loaded
	ReasonScanAnothers    Reason = "scan.anothers"     // the page is another's; Data: ScanFault of that one
	ReasonScanElsewhere   Reason = "scan.elsewhere"    // the same file or page stands at another; Data: ScanFault of that one
	ReasonScanNamesake    Reason = "scan.namesake"     // the name is another's too, and no number tells whose it is; Data: ScanFault of that one
	ReasonScanSeveral     Reason = "scan.several"      // the page shows more than one certificate
	ReasonScanUnsupported Reason = "scan.unsupported"  // no reading says whose it is: repeated with Confirmed once the person has looked
	ReasonHandedEarly     Reason = "handover.early"    // before the issue date; Data: ScanFault
	ReasonHandedNobody    Reason = "handover.nobody"   // nobody has a loaded scan and no handover
	ReasonHandedAlready   Reason = "handover.already"  // Data: ScanFault
	ReasonHandedNot       Reason = "handover.not"      // nothing to undo
)

// ScanFault is the Data of a refusal about the certificate of an application.
type ScanFault struct {
	Application        string // number
	RegistrationNumber string
	Typed              bool // a person typed that number
	IssuedOn           Day
	HandedOn           Day
}

func (a *Application) fault() ScanFault {
	return ScanFault{
		Application: a.Number, RegistrationNumber: a.RegistrationNumber, Typed: a.NumberTyped, IssuedOn: a.IssuedOn, HandedOn: a.HandedOn,
	}
}

// Scans loads the scans of certificates and notes that papers were handed over.
type Scans struct {
	store    Store
	files    FileStore
	uploads  *Uploads
	pages    *pageReader
	profiles []BlankProfile // built in
	hold     time.Duration
	now      Clock
}

// ScansConfig is what Scans works with.
type ScansConfig struct {
	Store      Store
	Files      FileStore
	Uploads    *Uploads
	Printer    Printer
	Recogniser Recogniser
	Profiles   []BlankProfile // built in
	Hold       time.Duration  // how long a loaded scan waits before it goes to its candidate
	Now        Clock
}

// NewScans returns the use cases. It has uploads read the scans that people send
// for one application.
func NewScans(c ScansConfig) *Scans {
	s := &Scans{
		store: c.Store, files: c.Files, uploads: c.Uploads, profiles: c.Profiles, hold: c.Hold, now: c.Now,
		pages: &pageReader{files: c.Files, printer: c.Printer, recogniser: c.Recogniser, lists: newPageLists(c.Printer, c.Profiles)},
	}
	c.Uploads.Examine(UploadScan, s.examineScan)
	return s
}

// LoadInput is what is said of a printed certificate, and its scan.
type LoadInput struct {
	ApplicationID      int64
	Revision           int // of the application
	UploadID           int64
	Blank              BlankKey
	RegistrationNumber string
	IssuedOn           Day
	Replace            bool // the person knows that a scan is loaded
	Outside            bool // the person knows that the blank is in no recorded range
	Mistaken           bool // the blank of the replaced scan was said by mistake: it is free, not spoiled
	Confirmed          bool // the person has compared the page with the application
}

// Load makes the actor's accepted file the scan of an application. Everything is
// held against what is known: the number and the day against those of the
// application, which are taken if it has none or may be typed anew, see mayRetype;
// the blank must be free and can be one of the center's house. A file that is
// another's, or stands at another, is refused; one of which no reading of the
// machine says whose it is, until the person has compared it. The candidate gets
// the scan after the hold. A scan that was there is replaced, and its blank, if it
// was another, is spoiled unless it was said by mistake. Of two who load at one
// moment one wins; the other gets a Conflict, or hears that the blank is taken.
func (s *Scans) Load(ctx context.Context, by Actor, in LoadInput) (*Application, error) {
	if err := s.makeList(ctx, by, in.ApplicationID); err != nil {
		return nil, fmt.Errorf("load scan of application %d: %w", in.ApplicationID, err)
	}
	var out *Application
	err := inApplication(ctx, s.store, s.now, by, in.ApplicationID, func(ctx context.Context, sc *examScene, a *Application) error {
		if a.Revision != in.Revision {
			return movedOn(ctx, sc.tx, sc.by, SubjectApplication, a.ID, nil)
		}
		out = a
		return s.load(ctx, sc, a, in)
	})
	if err != nil {
		return nil, fmt.Errorf("load scan of application %d: %w", in.ApplicationID, err)
	}
	return out, nil
}

func (s *Scans) load(ctx context.Context, sc *examScene, a *Application, in LoadInput) error {
	from := a.Status()
	if err := loadable(a, in.Replace); err != nil {
		return err
	}
	number, err := checkNumber(ctx, sc.tx, sc.by, a, in.RegistrationNumber)
	if err != nil {
		return err
	}
	if err := checkIssued(ctx, sc.tx, sc.exam, a, in.IssuedOn, sc.today); err != nil {
		return err
	}
	key, outside, err := s.checkBlank(ctx, sc.tx, sc.exam, a, in.Blank)
	if err != nil {
		return err
	}
	if outside && !in.Outside {
		return refuseWith(Invalid, ReasonBlankOutside, BlankFault{Series: key.Series, Number: key.Number})
	}
	u, err := useUpload(ctx, sc.tx, sc.by, in.UploadID, UploadScan, a.ID)
	if err != nil {
		return err
	}
	supported, err := s.claims(ctx, sc, a, u, SaidScan{Blank: key, RegistrationNumber: number}, in.Confirmed)
	if err != nil {
		return err
	}
	if err := sc.typeNumber(ctx, a, number, in.IssuedOn); err != nil {
		return err
	}
	event, err := sc.replaceScan(ctx, a, key, in.Mistaken)
	if err != nil {
		return err
	}
	if err := sc.blanks().use(ctx, key, a.ID); err != nil {
		return err
	}
	a.BlankSeries, a.BlankNumber, a.BlankState = key.Series, key.Number, BlankUsed
	scan := Scan{
		ApplicationID: a.ID, FileName: u.Name, FileSHA: u.FileSHA, PageSHA: u.PageSHA, CleanSHA: u.CleanSHA,
		BlankSeries: key.Series, BlankNumber: key.Number, Source: ScanByPerson, Supported: supported,
		LoadedBy: sc.by.PersonID, LoadedAt: sc.now,
	}
	if err := sc.insertScan(ctx, &scan); err != nil {
		return err
	}
	return s.attach(ctx, sc, a, &scan, event, from)
}

// makeList makes the list of an application's exam while nobody waits for it.
func (s *Scans) makeList(ctx context.Context, by Actor, applicationID int64) error {
	return s.look(ctx, by, applicationID, func(e *Exam, _ *Application) error {
		_, err := s.listOf(ctx, s.store, e)
		return err
	})
}

// claims reports whether readings of the machine support that an upload is an
// application's, or refuses it.
func (s *Scans) claims(ctx context.Context, sc *examScene, a *Application, u *Upload, said SaidScan, confirmed bool) (bool, error) {
	p, err := u.said()
	if err != nil {
		return false, err
	}
	p.SaidScan = said
	c, err := s.weighHeld(ctx, sc, a, p)
	if err != nil {
		return false, err
	}
	if err := c.refusal(ctx, sc.tx, sc.by); err != nil {
		return false, err
	}
	if !c.supported && !confirmed {
		return false, refuse(Invalid, ReasonScanUnsupported)
	}
	return c.supported, nil
}

// loadable refuses an application to which no certificate is due, and one whose
// scan is loaded unless it is to be replaced.
func loadable(a *Application, replace bool) error {
	switch {
	case !a.Entitled():
		return refuseWith(Invalid, ReasonScanNotEntitled, a.fault())
	case a.ScanID != 0 && !replace:
		return refuseWith(Invalid, ReasonScanLoaded, a.fault())
	}
	return nil
}

// attach makes a stored scan the one of its application, which it saves.
func (s *Scans) attach(ctx context.Context, sc *examScene, a *Application, scan *Scan, event string, from ApplicationStatus) error {
	a.ScanID, a.ScanSource = scan.ID, scan.Source
	a.Revision++
	if err := scheduleDelivery(ctx, sc, a, s.hold); err != nil {
		return err
	}
	if err := sc.tx.SaveApplications(ctx, []Application{*a}); err != nil {
		return err
	}
	return sc.note(ctx, SubjectApplication, a.ID, event, string(from), string(a.Status()), scan.Blank().String())
}

// insertScan stores a scan as the next version of its application's.
func (sc *examScene) insertScan(ctx context.Context, scan *Scan) error {
	last, err := sc.tx.ScanVersion(ctx, scan.ApplicationID)
	if err != nil {
		return err
	}
	scan.Version = last + 1
	list := []Scan{*scan}
	err = sc.tx.InsertScans(ctx, list)
	scan.ID = list[0].ID
	return err
}

// The events of numbers that people type; the comment is the number with its day.
const (
	eventTypeNumber   = "type_number"
	eventRetypeNumber = "retype_number" // the comment has both, with retyped between them
	retyped           = " → "
)

// numberWithDay is a number with its day as histories have it.
func numberWithDay(number string, issued Day) string { return number + " от " + issued.Russian() }

// typeNumber gives an application the number and the day that a person has typed,
// both checked, unless it has them; the caller saves it.
func (sc *examScene) typeNumber(ctx context.Context, a *Application, number string, issued Day) error {
	if number == a.RegistrationNumber && issued == a.IssuedOn {
		return nil
	}
	event, comment := eventTypeNumber, numberWithDay(number, issued)
	if a.RegistrationNumber != "" {
		event, comment = eventRetypeNumber, numberWithDay(a.RegistrationNumber, a.IssuedOn)+retyped+comment
	}
	a.RegistrationNumber, a.IssuedOn, a.ValidUntil, a.NumberTyped = number, issued, a.Level.ValidUntil(issued), true
	return sc.note(ctx, SubjectApplication, a.ID, event, "", "", comment)
}

// mayRetype reports whether the number and the day of an application may be typed
// anew: a person typed them, no answer of ФИС ФРДО has said them since, and no
// certificate was printed with them.
func mayRetype(ctx context.Context, q Queries, a *Application) (bool, error) {
	if !a.NumberTyped {
		return false, nil
	}
	printed, err := q.PrintedFor(ctx, a.ExamID, a.RegistrationNumber)
	return printed != a.ID, err
}

// replaceScan ends the scan that stands, if any, and returns the event. What
// becomes of its blank see leaveBlanks. As long as nobody knows the new one it may
// be the same.
func (sc *examScene) replaceScan(ctx context.Context, a *Application, to BlankKey, mistaken bool) (event string, err error) {
	if a.ScanID == 0 {
		return "load_scan", nil
	}
	if err := notSending(ctx, sc.tx, a); err != nil {
		return "", err
	}
	old, err := sc.tx.Scan(ctx, a.ScanID)
	if err != nil {
		return "", err
	}
	old.ReplacedAt = &sc.now
	if err := sc.tx.SaveScan(ctx, old); err != nil {
		return "", err
	}
	if to.Number == "" {
		return "replace_scan", nil
	}
	if old.BlankNumber != "" && old.Blank() != to { // the paper that was handed over is not the one that counts
		a.HandedOn = Day{}
	}
	return "replace_scan", sc.leaveBlanks(ctx, a, to, mistaken)
}

// spoilReplaced spoils the blank that bore the certificate of an application
// before, unless something else became of it.
func (sc *examScene) spoilReplaced(ctx context.Context, a *Application, key BlankKey) error {
	b, err := sc.tx.BlankForUpdate(ctx, key)
	if err != nil || b == nil || b.State != BlankUsed || b.ApplicationID != a.ID {
		return err
	}
	return sc.blanks().spoil(ctx, b, BlankReplaced)
}

// leaveBlanks ends what the certificate of an application was on before, once it
// is known on which blank it is: those blanks are spoiled, or free again if they
// were said by mistake, and the paper that was handed over is not the one that
// counts.
func (sc *examScene) leaveBlanks(ctx context.Context, a *Application, now BlankKey, mistaken bool) error {
	list, err := blanksLeft(ctx, sc.tx, a, now)
	if err != nil {
		return err
	}
	for _, key := range list {
		a.HandedOn = Day{}
		if !mistaken {
			if err := sc.spoilReplaced(ctx, a, key); err != nil {
				return err
			}
			continue
		}
		if err := sc.freeBlank(ctx, a, key); err != nil {
			return err
		}
		if err := sc.note(ctx, SubjectApplication, a.ID, "free_blank", "", "", key.String()); err != nil {
			return err
		}
	}
	return nil
}

// blanksLeft lists the blanks that an application's certificate was on before, if
// it is on this one.
func blanksLeft(ctx context.Context, q Queries, a *Application, now BlankKey) ([]BlankKey, error) {
	list, err := q.BlanksUsedBy(ctx, a.ID)
	if err != nil {
		return nil, err
	}
	var out []BlankKey
	for i := range list {
		if key := list[i].Key(); key != now {
			out = append(out, key)
		}
	}
	return out, nil
}

// checkNumber reads the number on a certificate and holds it against what is
// known.
func checkNumber(ctx context.Context, q Queries, by Actor, a *Application, typed string) (string, error) {
	number, isNumber := registrationNumber(PlainName(typed))
	known := a.RegistrationNumber
	if known != "" && (typed == known || alikeNumber(number) == alikeNumber(known)) {
		return known, nil
	}
	if !isNumber {
		return "", refuse(Invalid, ReasonScanNumber)
	}
	if known != "" {
		if may, err := mayRetype(ctx, q, a); err != nil || !may {
			return "", cmp.Or(err, refuseWith(Invalid, ReasonScanOtherNumber, a.fault()))
		}
	}
	taken, err := q.NumbersTaken(ctx, []string{number})
	if err != nil {
		return "", err
	}
	if holder := taken[number]; holder != 0 && holder != a.ID {
		return "", numberTaken(ctx, q, by, holder)
	}
	return number, nil
}

// numberTaken is the refusal of a number that another application has. It names
// that one to whom may see it.
func numberTaken(ctx context.Context, q Queries, by Actor, holder int64) error {
	other, err := q.Application(ctx, by, holder)
	if err != nil && AsError(err).Kind != NotFound {
		return fmt.Errorf("application %d: %w", holder, err)
	}
	fault := ScanFault{}
	if err == nil {
		fault = other.fault()
	}
	return refuseWith(Invalid, ReasonScanNumberTaken, fault)
}

// checkIssued holds the issue date on a certificate against what is known.
func checkIssued(ctx context.Context, q Queries, e *Exam, a *Application, issued, today Day) error {
	if issued.IsZero() {
		return refuse(Invalid, ReasonScanDay)
	}
	if !a.IssuedOn.IsZero() && issued != a.IssuedOn {
		if may, err := mayRetype(ctx, q, a); err != nil || !may {
			return cmp.Or(err, refuseWith(Invalid, ReasonScanOtherDay, a.fault()))
		}
	}
	switch {
	case issued.After(today):
		return refuse(Invalid, ReasonScanDayLate)
	case issued.Before(e.HeldOn):
		return refuseWith(Invalid, ReasonScanDayEarly, e.HeldOn)
	}
	return nil
}

// checkBlank holds the blank of a certificate against what is known: it is free
// or already this application's own, and can be one of the center's house. It
// reports whether it lies outside the recorded ranges.
func (s *Scans) checkBlank(ctx context.Context, q Queries, e *Exam, a *Application, key BlankKey) (BlankKey, bool, error) {
	key, err := key.normal()
	if err != nil {
		return key, false, err
	}
	outside, err := checkFree(ctx, q, e, a, key)
	if err != nil {
		return key, false, err
	}
	center, err := q.Center(ctx, e.CenterID)
	if err != nil {
		return key, false, err
	}
	if center.BlankProfile != "" {
		p, err := profileOf(ctx, q, s.profiles, e.CenterID, center.BlankProfile)
		if err != nil {
			return key, false, err
		}
		if !p.IsBlankNumber(key.Number) || p.Series != (key.Series != "") {
			return key, false, refuseWith(Invalid, ReasonBlankPattern, BlankPattern{Series: p.Series, Digits: p.Digits})
		}
	}
	return key, outside, nil
}

// checkFree refuses a blank that bears another certificate, or is spoiled. It
// reports whether it lies outside the recorded ranges of the center.
func checkFree(ctx context.Context, q Queries, e *Exam, a *Application, key BlankKey) (outside bool, err error) {
	held, err := q.Blank(ctx, key)
	if err != nil {
		return false, err
	}
	if held != nil && (held.State != BlankUsed || held.ApplicationID != a.ID) {
		return false, blankTaken(held, e.CenterID)
	}
	recorded, inside, err := q.BlankInRange(ctx, e.CenterID, key)
	return recorded && !inside, err
}

// BlankPattern is the Data of a number that a house's blanks do not have.
type BlankPattern struct {
	Series bool // they have one
	Digits int
}

// look runs fn with an application that the actor works with, as it is now.
func (s *Scans) look(ctx context.Context, by Actor, applicationID int64, fn func(e *Exam, a *Application) error) error {
	a, err := s.store.Application(ctx, by, applicationID)
	if err != nil {
		return fmt.Errorf("application %d: %w", applicationID, err)
	}
	e, err := s.store.Exam(ctx, by, a.ExamID)
	if err != nil {
		return fmt.Errorf("exam %d: %w", a.ExamID, err)
	}
	if err := isStaffOf(by, e.CenterID); err != nil {
		return err
	}
	if err := fn(e, a); err != nil {
		return fmt.Errorf("application %d: %w", applicationID, err)
	}
	return nil
}

// CheckLoad is the refusal that loading a scan for an application would meet
// before anything is said about it, or nil.
func (s *Scans) CheckLoad(ctx context.Context, by Actor, applicationID int64, replace bool) error {
	return s.look(ctx, by, applicationID, func(e *Exam, a *Application) error {
		if err := loadable(a, replace); err != nil {
			return err
		}
		_, err := s.listOf(ctx, s.store, e)
		return err
	})
}

// SaidBlank is a blank that a person says of an application's certificate.
type SaidBlank struct {
	Key     BlankKey   // as it would be stored
	Outside bool       // the center has recorded ranges, and it is in none
	Left    []BlankKey // which the certificate was on by what is known: of these the person has to say what becomes
}

// CheckBlank is the refusal that a blank would meet at an application, or nil with
// what is known of it.
func (s *Scans) CheckBlank(ctx context.Context, by Actor, applicationID int64, key BlankKey) (SaidBlank, error) {
	var out SaidBlank
	err := s.look(ctx, by, applicationID, func(e *Exam, a *Application) error {
		var err error
		if out.Key, out.Outside, err = s.checkBlank(ctx, s.store, e, a, key); err != nil {
			return err
		}
		out.Left, err = blanksLeft(ctx, s.store, a, out.Key)
		return err
	})
	return out, err
}

// CheckNumber is the refusal that a registration number would meet at an
// application, or nil with the number as it would be stored.
func (s *Scans) CheckNumber(ctx context.Context, by Actor, applicationID int64, typed string) (string, error) {
	number := ""
	err := s.look(ctx, by, applicationID, func(_ *Exam, a *Application) error {
		var err error
		number, err = checkNumber(ctx, s.store, by, a, typed)
		return err
	})
	return number, err
}

// CheckIssued is the refusal that an issue date would meet at an application, or
// nil.
func (s *Scans) CheckIssued(ctx context.Context, by Actor, applicationID int64, issued Day) error {
	return s.look(ctx, by, applicationID, func(e *Exam, a *Application) error {
		today, err := s.today(ctx, e)
		if err != nil {
			return err
		}
		return checkIssued(ctx, s.store, e, a, issued, today)
	})
}

func (s *Scans) today(ctx context.Context, e *Exam) (Day, error) {
	org, err := s.store.Org(ctx, e.CenterID)
	if err != nil {
		return Day{}, err
	}
	loc, err := org.Location()
	if err != nil {
		return Day{}, err
	}
	return DayOf(s.now(), loc), nil
}

// NameInput says which blank a loaded certificate is on.
type NameInput struct {
	ApplicationID int64
	Revision      int // of the application
	Blank         BlankKey
	Outside       bool // the person knows that the blank is in no recorded range
	Mistaken      bool // the blank that it was on before was said by mistake: it is free, not spoiled
}

// NameBlank writes down the blank of a loaded scan that came without: none was
// read on its page.
func (s *Scans) NameBlank(ctx context.Context, by Actor, in NameInput) (*Application, error) {
	var out *Application
	err := inApplication(ctx, s.store, s.now, by, in.ApplicationID, func(ctx context.Context, sc *examScene, a *Application) error {
		if a.Revision != in.Revision || a.BlankNumber != "" {
			return movedOn(ctx, sc.tx, sc.by, SubjectApplication, a.ID, nil)
		}
		if a.ScanID == 0 {
			return refuse(Conflict, ReasonScanMissing)
		}
		key, outside, err := s.checkBlank(ctx, sc.tx, sc.exam, a, in.Blank)
		if err != nil {
			return err
		}
		if outside && !in.Outside {
			return refuseWith(Invalid, ReasonBlankOutside, BlankFault{Series: key.Series, Number: key.Number})
		}
		from := a.Status()
		if err := sc.leaveBlanks(ctx, a, key, in.Mistaken); err != nil {
			return err
		}
		if err := sc.blanks().use(ctx, key, a.ID); err != nil {
			return err
		}
		scan, err := sc.tx.Scan(ctx, a.ScanID)
		if err != nil {
			return err
		}
		scan.BlankSeries, scan.BlankNumber = key.Series, key.Number
		if err := sc.tx.SaveScan(ctx, scan); err != nil {
			return err
		}
		a.BlankSeries, a.BlankNumber, a.BlankState = key.Series, key.Number, BlankUsed
		out = a
		return sc.saveOne(ctx, a, "name_blank", from, key.String())
	})
	if err != nil {
		return nil, fmt.Errorf("blank of application %d: %w", in.ApplicationID, err)
	}
	return out, nil
}

// Unnamed lists the applications of a center whose loaded scan came without its
// blank, for its staff, from offset on, at most limit.
func (s *Scans) Unnamed(ctx context.Context, by Actor, centerID int64, offset, limit int) ([]Application, error) {
	if err := isStaffOf(by, centerID); err != nil {
		return nil, err
	}
	list, err := s.store.UnnamedScans(ctx, centerID, offset, limit)
	if err != nil {
		return nil, fmt.Errorf("scans without blanks of center %d: %w", centerID, err)
	}
	return list, nil
}

// saveOne saves a changed application and writes the step down.
func (sc *examScene) saveOne(ctx context.Context, a *Application, event string, from ApplicationStatus, comment string) error {
	a.Revision++
	if err := sc.tx.SaveApplications(ctx, []Application{*a}); err != nil {
		return err
	}
	return sc.note(ctx, SubjectApplication, a.ID, event, string(from), string(a.Status()), comment)
}

// Document returns the loaded scan of an application that the actor may see, by
// the application's number.
func (s *Scans) Document(ctx context.Context, by Actor, applicationID int64) (*Application, Document, error) {
	a, err := s.store.Application(ctx, by, applicationID)
	if err != nil {
		return nil, Document{}, fmt.Errorf("scan of application %d: %w", applicationID, err)
	}
	if a.ScanID == 0 {
		return nil, Document{}, refuse(Conflict, ReasonScanMissing)
	}
	scan, err := s.store.Scan(ctx, a.ScanID)
	if err != nil {
		return nil, Document{}, fmt.Errorf("scan of application %d: %w", applicationID, err)
	}
	f, err := s.store.File(ctx, scan.CleanSHA)
	if err != nil {
		return nil, Document{}, fmt.Errorf("scan of application %d: %w", applicationID, err)
	}
	return a, Document{
		Name: fileName(a.Number) + endingOf(f.Type), SHA256: f.SHA256, Size: f.Size,
		Open: func(ctx context.Context) (io.ReadCloser, error) { return s.files.Open(ctx, f.SHA256) },
	}, nil
}

// endingOf is the ending of the name of a file that was looked at.
func endingOf(mime string) string {
	switch mime {
	case typePDF:
		return ".pdf"
	case "image/png":
		return ".png"
	}
	return ".jpg"
}

// HandOver notes that the paper of an application was handed over on a day.
// Revision is the application's.
func (s *Scans) HandOver(ctx context.Context, by Actor, applicationID int64, revision int, on Day) (*Application, error) {
	var out *Application
	err := inApplication(ctx, s.store, s.now, by, applicationID, func(ctx context.Context, sc *examScene, a *Application) error {
		if a.Revision != revision {
			return movedOn(ctx, sc.tx, sc.by, SubjectApplication, a.ID, nil)
		}
		from := a.Status()
		if err := sc.handOver(a, on); err != nil {
			return err
		}
		out = a
		return sc.saveOne(ctx, a, "hand_over", from, on.Russian())
	})
	if err != nil {
		return nil, fmt.Errorf("hand over application %d: %w", applicationID, err)
	}
	return out, nil
}

// handOver marks the paper of an application as handed over; the caller saves it.
func (sc *examScene) handOver(a *Application, on Day) error {
	switch {
	case !a.Entitled() || a.ScanID == 0:
		return refuse(Invalid, ReasonScanMissing)
	case !a.HandedOn.IsZero():
		return refuseWith(Conflict, ReasonHandedAlready, a.fault())
	}
	if err := checkHanded(a, on, sc.today); err != nil {
		return err
	}
	a.HandedOn = on
	return nil
}

// checkHanded holds the day of a handover against what is known.
func checkHanded(a *Application, on, today Day) error {
	switch {
	case on.IsZero():
		return refuse(Invalid, ReasonScanDay)
	case on.After(today):
		return refuse(Invalid, ReasonScanDayLate)
	case on.Before(a.IssuedOn):
		return refuseWith(Invalid, ReasonHandedEarly, a.fault())
	}
	return nil
}

// CheckHandOver is the refusal that handing over on a day would meet, or nil with
// how many papers it would be. ApplicationID 0 means everybody of the exam who
// waits for it.
func (s *Scans) CheckHandOver(ctx context.Context, by Actor, examID, applicationID int64, on Day) (int, error) {
	e, err := s.store.Exam(ctx, by, examID)
	if err != nil {
		return 0, fmt.Errorf("exam %d: %w", examID, err)
	}
	if err := isStaffOf(by, e.CenterID); err != nil {
		return 0, err
	}
	today, err := s.today(ctx, e)
	if err != nil {
		return 0, err
	}
	list, err := s.store.Applications(ctx, examID)
	if err != nil {
		return 0, fmt.Errorf("applications of exam %d: %w", examID, err)
	}
	n := 0
	for i := range list {
		a := &list[i]
		if a.Status() != ApplicationAwaitingHandover || applicationID != 0 && a.ID != applicationID {
			continue
		}
		n++
		if on.IsZero() {
			continue // only counted
		}
		if err := checkHanded(a, on, today); err != nil {
			return 0, err
		}
	}
	if n == 0 {
		return 0, refuse(Conflict, ReasonHandedNobody)
	}
	return n, nil
}

// HandOverAll notes the handover of the papers of everybody of an exam who waits
// for it, on one day, and returns how many. A day before the issue date of one of
// them refuses all.
func (s *Scans) HandOverAll(ctx context.Context, by Actor, examID int64, on Day) (int, error) {
	var handed []Application
	err := inExam(ctx, s.store, s.now, by, examID, func(ctx context.Context, sc *examScene) error {
		handed = nil
		list, err := sc.tx.ApplicationsForUpdate(ctx, examID, nil)
		if err != nil {
			return err
		}
		for i := range list {
			if list[i].Status() != ApplicationAwaitingHandover {
				continue
			}
			a := &list[i]
			if err := sc.handOver(a, on); err != nil {
				return err
			}
			a.Revision++
			if err := sc.note(ctx, SubjectApplication, a.ID, "hand_over", string(ApplicationAwaitingHandover), string(a.Status()), on.Russian()); err != nil {
				return err
			}
			handed = append(handed, *a)
		}
		if handed == nil {
			return refuse(Conflict, ReasonHandedNobody)
		}
		return sc.tx.SaveApplications(ctx, handed) // together: the exam is counted once
	})
	if err != nil {
		return 0, fmt.Errorf("hand over exam %d: %w", examID, err)
	}
	return len(handed), nil
}

// TakeBack undoes a note of a handover. Revision is the application's.
func (s *Scans) TakeBack(ctx context.Context, by Actor, applicationID int64, revision int) (*Application, error) {
	var out *Application
	err := inApplication(ctx, s.store, s.now, by, applicationID, func(ctx context.Context, sc *examScene, a *Application) error {
		if a.Revision != revision {
			return movedOn(ctx, sc.tx, sc.by, SubjectApplication, a.ID, nil)
		}
		if a.HandedOn.IsZero() {
			return refuse(Conflict, ReasonHandedNot)
		}
		from, was := a.Status(), a.HandedOn
		a.HandedOn = Day{}
		out = a
		return sc.saveOne(ctx, a, "take_back", from, was.Russian())
	})
	if err != nil {
		return nil, fmt.Errorf("take back handover of application %d: %w", applicationID, err)
	}
	return out, nil
}
