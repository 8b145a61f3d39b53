package service

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Center is what a certificate's print needs of a testing centre. A center of
// which nothing is known yet has only its OrgID.
type Center struct {
	OrgID             int64     `bun:",pk"`
	NameInstrumental  string    // its name in the instrumental case: «Экзамен проведен …»
	IssueAddress      string    // where certificates are issued
	SignatoryPosition string    //
	SignatoryName     string    //
	BlankProfile      string    // code of a BlankProfile, "" when none is chosen
	PrinterID         int64     `bun:",nullzero"` // the printer chosen last; 0: none, no offsets
	Revision          int       // +1 on every change, 0 before the first
	UpdatedAt         time.Time `bun:",nullzero"` // UTC
}

// CenterField names one of the things that a print needs to know of a centre.
type CenterField string

// The fields, in the order in which they are shown.
const (
	CenterInstitution CenterField = "institution" // the name in the instrumental case
	CenterAddress     CenterField = "address"     // of issue
	CenterPosition    CenterField = "position"    // of the signatory
	CenterSignatory   CenterField = "signatory"   // their full name
	CenterProfile     CenterField = "profile"     // the printing house's blank
)

// CenterFields are all of them.
var CenterFields = []CenterField{CenterInstitution, CenterAddress, CenterPosition, CenterSignatory, CenterProfile}

// centerLimits is how long each value may be, in letters: what the regions of a
// blank hold with room to spare. A profile is chosen, never written.
var centerLimits = map[CenterField]int{
	CenterInstitution: 300, CenterAddress: 300, CenterPosition: 150, CenterSignatory: 120, CenterProfile: 0,
}

// value is where a center keeps a field, nil for a name that is none.
func (c *Center) value(f CenterField) *string {
	switch f {
	case CenterInstitution:
		return &c.NameInstrumental
	case CenterAddress:
		return &c.IssueAddress
	case CenterPosition:
		return &c.SignatoryPosition
	case CenterSignatory:
		return &c.SignatoryName
	case CenterProfile:
		return &c.BlankProfile
	}
	return nil
}

// Value is what is known of a field, "" for nothing.
func (c *Center) Value(f CenterField) string {
	if v := c.value(f); v != nil {
		return *v
	}
	return ""
}

// Missing lists what a print needs and is not known, in the order of
// CenterFields.
func (c *Center) Missing() []CenterField {
	var out []CenterField
	for _, f := range CenterFields {
		if c.Value(f) == "" {
			out = append(out, f)
		}
	}
	return out
}

// CenterPrinter is one of a center's printers with what it misses by, measured on
// a trial page.
type CenterPrinter struct {
	ID        int64 `bun:",pk,autoincrement"`
	CenterID  int64 // Org
	Name      string
	RightBy   int        // tenths of a millimetre by which everything moves to the right, down to -200
	DownBy    int        // tenths of a millimetre by which everything moves down, down to -200
	Revision  int        // +1 on every change
	RemovedAt *time.Time // UTC
	CreatedAt time.Time  `bun:",nullzero"` // UTC
}

// OwnProfile is a blank profile that a center has added.
type OwnProfile struct {
	ID        int64 `bun:",pk,autoincrement"`
	CenterID  int64 // Org
	Code      string
	Name      string
	Source    json.RawMessage `bun:"type:jsonb"` // BlankProfile
	AddedBy   int64           `bun:",nullzero"`
	AddedAt   time.Time       // UTC
	RemovedAt *time.Time      // UTC
}

// The refusals about centers.
const (
	ReasonCenterIncomplete Reason = "center.incomplete"       // a print needs more; Data: CenterGap
	ReasonCenterNoProfile  Reason = "center.no_profile"       // no scan of its blanks can be read; Data: CenterGap
	ReasonCenterValue      Reason = "center.value"            // empty or too long; Data: the limit in letters
	ReasonCenterLetter     Reason = "center.letter"           // the type of a blank lacks it; Data: the letter
	ReasonProfileUnknown   Reason = "center.profile_unknown"  // no such blank profile
	ReasonPrinterName      Reason = "center.printer_name"     // empty or too long; Data: the limit in letters
	ReasonPrinterExists    Reason = "center.printer_exists"   //
	ReasonPrinterTooMany   Reason = "center.printer_too_many" // Data: the limit
	ReasonPrinterFar       Reason = "center.printer_far"      // Data: the limit in millimetres
	ReasonPrinterStep      Reason = "center.printer_step"     // no number of millimetres with one decimal
	ReasonPrinterNone      Reason = "center.printer_none"     // no printer is chosen
	ReasonProfileTooMany   Reason = "center.profile_too_many" // Data: the limit
	ReasonProfileExists    Reason = "center.profile_exists"   // a built-in one has this name; Data: the name
)

// CenterGap says what a center must fill in before it can print, or scan.
type CenterGap struct {
	OrgID   int64
	Center  string // name
	Missing []CenterField
}

const (
	// MaxOffset is how far a print can be moved, in tenths of a millimetre. Who
	// needs more has another blank, which is a matter of its profile.
	MaxOffset = 200
	// maxPrinterName is the longest name of a printer, in letters.
	maxPrinterName = 60
	// maxPrinters and maxProfiles are how many of each a center keeps: they fit
	// one keyboard.
	maxPrinters = 20
	maxProfiles = 20
)

// CenterQueries asks about testing centres.
type CenterQueries interface {
	// Center returns what is known of the testing centre, which may be nothing.
	Center(ctx context.Context, orgID int64) (*Center, error)
	// CentersToFill lists by name, at most limit, those of these centers, of all when
	// there are none, of which something is not known that certificates which are due
	// need: to be generated all of CenterFields, to be scanned the profile.
	CentersToFill(ctx context.Context, centers []int64, limit int) ([]Org, error)
	// CenterPrinters lists a center's printers by name.
	CenterPrinters(ctx context.Context, orgID int64) ([]CenterPrinter, error)
	// CenterPrinter returns one of them, removed ones too, or NotFound.
	CenterPrinter(ctx context.Context, id int64) (*CenterPrinter, error)
	// OwnProfiles lists the blank profiles that a center has added, oldest first.
	OwnProfiles(ctx context.Context, orgID int64) ([]OwnProfile, error)
	// OwnProfile returns one of them, removed ones too, or NotFound.
	OwnProfile(ctx context.Context, code string) (*OwnProfile, error)
}

// CenterCommands changes testing centres.
type CenterCommands interface {
	// CenterForUpdate is Center and holds the organisation until the transaction
	// ends, so that the first of two writers makes the row.
	CenterForUpdate(ctx context.Context, orgID int64) (*Center, error)
	// SaveCenter inserts what is known of the centre or takes its place.
	SaveCenter(ctx context.Context, c *Center) error
	// InsertCenterPrinter sets the new printer's ID.
	InsertCenterPrinter(ctx context.Context, p *CenterPrinter) error
	// SaveCenterPrinter writes name, offsets, revision and removal.
	SaveCenterPrinter(ctx context.Context, p *CenterPrinter) error
	// InsertOwnProfile sets the new profile's ID.
	InsertOwnProfile(ctx context.Context, p *OwnProfile) error
	// RemoveOwnProfile takes one out of those that can be chosen.
	RemoveOwnProfile(ctx context.Context, id int64, at time.Time) error
	// OwnProfileCount counts what a center has ever added.
	OwnProfileCount(ctx context.Context, orgID int64) (int, error)
}

// Centers holds the use cases around the testing centres' own data.
type Centers struct {
	store    Store
	book     SheetBook
	files    FileStore
	profiles []BlankProfile // built in
	now      Clock
}

// NewCenters returns the use cases over store; book reads and writes the tables
// of blank profiles, of which profiles are the built-in ones.
func NewCenters(store Store, book SheetBook, files FileStore, uploads *Uploads, profiles []BlankProfile, now Clock) *Centers {
	s := &Centers{store: store, book: book, files: files, profiles: profiles, now: now}
	uploads.Examine(UploadProfile, s.examineProfile)
	return s
}

// CenterView is everything that a center's card shows.
type CenterView struct {
	Org      Org
	Center   Center
	Profile  *BlankProfile  // the chosen one, nil before
	Printer  *CenterPrinter // the chosen one, nil when none is
	Printers []CenterPrinter
	Staff    bool // the reader works in the center: the others only look
}

// View returns what is known of a center for its staff and for admins.
func (s *Centers) View(ctx context.Context, by Actor, orgID int64) (*CenterView, error) {
	v := &CenterView{Staff: isStaffOf(by, orgID) == nil}
	if !v.Staff && !by.Has(RoleAdmin) {
		return nil, refuse(NotFound, ReasonNotFound)
	}
	org, err := s.store.Org(ctx, orgID)
	if err != nil {
		return nil, fmt.Errorf("organisation %d: %w", orgID, err)
	}
	if org.Kind != OrgCenter {
		return nil, refuse(NotFound, ReasonNotFound)
	}
	c, err := s.store.Center(ctx, orgID)
	if err != nil {
		return nil, fmt.Errorf("center %d: %w", orgID, err)
	}
	v.Org, v.Center = *org, *c
	if v.Printers, err = s.store.CenterPrinters(ctx, orgID); err != nil {
		return nil, fmt.Errorf("printers of center %d: %w", orgID, err)
	}
	if i := slices.IndexFunc(v.Printers, func(p CenterPrinter) bool { return p.ID == c.PrinterID }); i >= 0 {
		v.Printer = &v.Printers[i]
	}
	if c.BlankProfile != "" {
		if v.Profile, err = profileOf(ctx, s.store, s.profiles, orgID, c.BlankProfile); err != nil {
			return nil, fmt.Errorf("profile of center %d: %w", orgID, err)
		}
	}
	return v, nil
}

// Mine lists the centers in which the actor works, by name.
func (s *Centers) Mine(ctx context.Context, by Actor) ([]Org, error) {
	var out []Org
	for _, id := range by.Orgs(RoleCenterStaff) {
		org, err := s.store.Org(ctx, id)
		if err != nil {
			return nil, fmt.Errorf("organisation %d: %w", id, err)
		}
		out = append(out, *org)
	}
	slices.SortFunc(out, func(a, b Org) int { return CompareNames(a.Name, b.Name) })
	return out, nil
}

// ToFill lists by name, at most TaskCap, the centers whose certificates wait for
// what is not known of the center: those in which the actor works, all for an admin.
func (s *Centers) ToFill(ctx context.Context, by Actor) ([]Org, error) {
	list, err := centersToFill(ctx, s.store, by)
	if err != nil {
		return nil, fmt.Errorf("centers to fill in: %w", err)
	}
	return list, nil
}

func centersToFill(ctx context.Context, q Queries, by Actor) ([]Org, error) {
	centers := by.Orgs(RoleCenterStaff)
	if by.Has(RoleAdmin) {
		centers = nil
	} else if len(centers) == 0 {
		return nil, nil
	}
	return q.CentersToFill(ctx, centers, TaskCap)
}

// History returns the steps of a center for its staff and for admins, oldest
// first.
func (s *Centers) History(ctx context.Context, by Actor, orgID int64) (*CenterView, []History, error) {
	v, err := s.View(ctx, by, orgID)
	if err != nil {
		return nil, nil, err
	}
	steps, err := s.store.HistoryOf(ctx, SubjectCenter, orgID, historyLimit)
	if err != nil {
		return nil, nil, fmt.Errorf("history of center %d: %w", orgID, err)
	}
	return v, steps, nil
}

// profileOf finds a blank profile among the built-in ones and the center's own.
func profileOf(ctx context.Context, q Queries, builtIn []BlankProfile, orgID int64, code string) (*BlankProfile, error) {
	if i := slices.IndexFunc(builtIn, func(p BlankProfile) bool { return p.Code == code }); i >= 0 {
		return &builtIn[i], nil
	}
	own, err := q.OwnProfile(ctx, code)
	if err != nil {
		return nil, fmt.Errorf("blank profile: %w", err)
	}
	if own.CenterID != orgID {
		return nil, refuse(NotFound, ReasonNotFound)
	}
	return own.profile()
}

func (o *OwnProfile) profile() (*BlankProfile, error) {
	p := new(BlankProfile)
	if err := json.Unmarshal(o.Source, p); err != nil {
		return nil, fmt.Errorf("blank profile %d: %w", o.ID, err)
	}
	p.Code, p.Name = o.Code, o.Name
	return p, nil
}

// Profiles lists the blank profiles that a center can choose: the built-in ones,
// then its own.
func (s *Centers) Profiles(ctx context.Context, by Actor, orgID int64) ([]BlankProfile, error) {
	if err := isStaffOf(by, orgID); err != nil {
		return nil, err
	}
	out := slices.Clone(s.profiles)
	own, err := s.store.OwnProfiles(ctx, orgID)
	if err != nil {
		return nil, fmt.Errorf("profiles of center %d: %w", orgID, err)
	}
	for i := range own {
		p, err := own[i].profile()
		if err != nil {
			return nil, err
		}
		out = append(out, *p)
	}
	return out, nil
}

// centerScene is a center held by the transaction, for one of its staff.
type centerScene struct {
	tx     Tx
	by     Actor // with the rights as they stand now
	center *Center
	now    time.Time
}

// inCenter runs fn with a center held, for its staff. Rights are asked once more
// inside: one can have ended since the press came in.
func (s *Centers) inCenter(ctx context.Context, by Actor, orgID int64, fn func(context.Context, *centerScene) error) error {
	err := s.store.InTx(ctx, func(ctx context.Context, tx Tx) error {
		sc := &centerScene{tx: tx, now: s.now().UTC()}
		var err error
		if sc.by, err = tx.ActorByID(ctx, by.PersonID); err != nil {
			return err
		}
		if err := isStaffOf(sc.by, orgID); err != nil {
			return err
		}
		if sc.center, err = tx.CenterForUpdate(ctx, orgID); err != nil {
			return err
		}
		return fn(ctx, sc)
	})
	if err != nil {
		return fmt.Errorf("center %d: %w", orgID, err)
	}
	return nil
}

// at refuses when the center has moved on since the person saw it.
func (sc *centerScene) at(ctx context.Context, revision int) error {
	if sc.center.Revision != revision {
		return movedOn(ctx, sc.tx, sc.by, SubjectCenter, sc.center.OrgID, nil)
	}
	return nil
}

// save writes the center and the step that changed it.
func (sc *centerScene) save(ctx context.Context, event, comment string) error {
	sc.center.Revision++
	if err := sc.tx.SaveCenter(ctx, sc.center); err != nil {
		return err
	}
	return sc.tx.AddHistory(ctx, History{
		Subject: SubjectCenter, SubjectID: sc.center.OrgID, At: sc.now, PersonID: sc.by.PersonID, Event: event, Comment: comment,
	})
}

// CheckCenterValue returns a written value as it is kept, or an Invalid error.
func CheckCenterValue(f CenterField, value string) (string, error) {
	value = PlainName(value)
	if n := utf8.RuneCountInString(value); value == "" || n > centerLimits[f] {
		return "", refuseWith(Invalid, ReasonCenterValue, centerLimits[f])
	}
	return value, checkLetters(value)
}

// checkLetters refuses a text for blanks with a letter that cannot be printed.
func checkLetters(text string) error {
	for _, r := range text {
		if !onBlanks(r) {
			return refuseWith(Invalid, ReasonCenterLetter, string(r))
		}
	}
	return nil
}

// onBlanks reports whether all faces of blanks have a letter, small and capital:
// Latin of Western Europe, Russian and its nearest, and the marks of print. Source:
// the tables of PT Serif and PT Sans, see the test beside the printer.
func onBlanks(r rune) bool {
	switch {
	case strings.ContainsRune("\u00ad\u00b5\u0400\u040d\u0450\u045d", r):
		return false
	case r >= ' ' && r <= '~', r >= '\u00a0' && r <= '\u00ff', r >= '\u0400' && r <= '\u045f':
		return true
	}
	return strings.ContainsRune("–—‘’‚“”„…№", r)
}

// Set changes one value of a center. Revision is the one that the person was
// looking at: if the center has moved on since, Set returns a Conflict and
// changes nothing, unless the value stands already.
func (s *Centers) Set(ctx context.Context, by Actor, orgID int64, revision int, f CenterField, value string) error {
	return s.inCenter(ctx, by, orgID, func(ctx context.Context, sc *centerScene) error {
		at := sc.center.value(f)
		if at == nil {
			return refuse(NotFound, ReasonNotFound)
		}
		var shown string
		if f == CenterProfile {
			p, err := profileOf(ctx, sc.tx, s.profiles, orgID, value)
			if err != nil && AsError(err).Kind == NotFound {
				return refuse(Conflict, ReasonProfileUnknown)
			}
			if err != nil {
				return err
			}
			shown = p.Name
		} else {
			var err error
			if value, err = CheckCenterValue(f, value); err != nil {
				return err
			}
			shown = value
		}
		if *at == value {
			return nil
		}
		if err := sc.at(ctx, revision); err != nil {
			return err
		}
		*at = value
		return sc.save(ctx, string(f), shown)
	})
}

// AddPrinter adds a printer without offsets; the first of a center is chosen.
func (s *Centers) AddPrinter(ctx context.Context, by Actor, orgID int64, name string) (*CenterPrinter, error) {
	name = PlainName(name)
	if name == "" || utf8.RuneCountInString(name) > maxPrinterName {
		return nil, refuseWith(Invalid, ReasonPrinterName, maxPrinterName)
	}
	var out *CenterPrinter
	err := s.inCenter(ctx, by, orgID, func(ctx context.Context, sc *centerScene) error {
		all, err := sc.tx.CenterPrinters(ctx, orgID)
		if err != nil {
			return err
		}
		if slices.ContainsFunc(all, func(p CenterPrinter) bool { return strings.EqualFold(p.Name, name) }) {
			return refuse(Invalid, ReasonPrinterExists)
		}
		if len(all) >= maxPrinters {
			return refuseWith(Conflict, ReasonPrinterTooMany, maxPrinters)
		}
		out = &CenterPrinter{CenterID: orgID, Name: name, Revision: 1}
		if err := sc.tx.InsertCenterPrinter(ctx, out); err != nil {
			return err
		}
		// The first one is printed on. Another, whose offsets nobody has measured, would
		// spoil blanks if it took the place of the chosen one unasked.
		if sc.center.PrinterID == 0 {
			sc.center.PrinterID = out.ID
		}
		return sc.save(ctx, "printer_add", name)
	})
	return out, err
}

// ChoosePrinter makes one of the center's printers the one that is printed on.
func (s *Centers) ChoosePrinter(ctx context.Context, by Actor, printerID int64) (*CenterPrinter, error) {
	return s.atPrinter(ctx, by, printerID, func(ctx context.Context, sc *centerScene, p *CenterPrinter) error {
		if sc.center.PrinterID == p.ID {
			return nil
		}
		sc.center.PrinterID = p.ID
		return sc.save(ctx, "printer_choose", p.Name)
	})
}

// RemovePrinter takes a printer out. Printings that were made for it stay as they
// are.
func (s *Centers) RemovePrinter(ctx context.Context, by Actor, printerID int64) (*CenterPrinter, error) {
	return s.atPrinter(ctx, by, printerID, func(ctx context.Context, sc *centerScene, p *CenterPrinter) error {
		p.RemovedAt, p.Revision = &sc.now, p.Revision+1
		if err := sc.tx.SaveCenterPrinter(ctx, p); err != nil {
			return err
		}
		if sc.center.PrinterID == p.ID {
			sc.center.PrinterID = 0
		}
		return sc.save(ctx, "printer_remove", p.Name)
	})
}

// MovePrinter sets how far a printer's print moves to the right and down, in
// tenths of a millimetre. Revision is that of the printer which the person was
// looking at; setting what stands already changes nothing and is no Conflict, so
// that one press that comes twice is one.
func (s *Centers) MovePrinter(ctx context.Context, by Actor, printerID int64, revision, rightBy, downBy int) (*CenterPrinter, error) {
	if rightBy < -MaxOffset || rightBy > MaxOffset || downBy < -MaxOffset || downBy > MaxOffset {
		return nil, refuseWith(Invalid, ReasonPrinterFar, MaxOffset/10)
	}
	return s.atPrinter(ctx, by, printerID, func(ctx context.Context, sc *centerScene, p *CenterPrinter) error {
		if p.RightBy == rightBy && p.DownBy == downBy {
			return nil
		}
		if p.Revision != revision {
			return movedOn(ctx, sc.tx, sc.by, SubjectCenter, p.CenterID, nil)
		}
		p.RightBy, p.DownBy, p.Revision = rightBy, downBy, p.Revision+1
		if err := sc.tx.SaveCenterPrinter(ctx, p); err != nil {
			return err
		}
		return sc.save(ctx, "printer_move", p.Name+": → "+Tenths(rightBy)+", ↓ "+Tenths(downBy))
	})
}

// atPrinter runs fn with a printer of the center in which the actor works.
func (s *Centers) atPrinter(ctx context.Context, by Actor, printerID int64, fn func(context.Context, *centerScene, *CenterPrinter) error) (*CenterPrinter, error) {
	seen, err := s.Device(ctx, by, printerID)
	if err != nil {
		return nil, err
	}
	out := seen
	err = s.inCenter(ctx, by, seen.CenterID, func(ctx context.Context, sc *centerScene) error {
		p, err := sc.tx.CenterPrinter(ctx, printerID)
		if err != nil {
			return err
		}
		if p.RemovedAt != nil {
			return movedOn(ctx, sc.tx, sc.by, SubjectCenter, p.CenterID, nil)
		}
		out = p
		return fn(ctx, sc, p)
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// Device returns one of a center's printers to its staff, removed ones too.
func (s *Centers) Device(ctx context.Context, by Actor, printerID int64) (*CenterPrinter, error) {
	p, err := s.store.CenterPrinter(ctx, printerID)
	if err != nil {
		return nil, fmt.Errorf("printer %d: %w", printerID, err)
	}
	if isStaffOf(by, p.CenterID) != nil {
		return nil, refuse(NotFound, ReasonNotFound)
	}
	return p, nil
}

// Tenths shows tenths of a millimetre as millimetres with one decimal: 0,3.
func Tenths(n int) string {
	sign := ""
	if n < 0 {
		sign, n = "−", -n
	}
	return sign + strconv.Itoa(n/10) + "," + strconv.Itoa(n%10)
}

// ParseTenths reads millimetres with at most one decimal, comma or point, as
// tenths of a millimetre.
func ParseTenths(s string) (int, error) {
	s = strings.TrimSpace(strings.Replace(s, ".", ",", 1))
	whole, rest, _ := strings.Cut(s, ",")
	if len(whole) > 3 || len(rest) > 1 {
		return 0, refuse(Invalid, ReasonPrinterStep)
	}
	n, err := strconv.ParseUint(whole+(rest + "0")[:1], 10, 16)
	if err != nil || whole == "" {
		return 0, refuse(Invalid, ReasonPrinterStep)
	}
	return int(n), nil
}

// ProfileTable writes the table of a center's chosen blank profile for its staff:
// edited and sent back it becomes a profile of the center's own. The document's
// name is the profile's.
func (s *Centers) ProfileTable(ctx context.Context, by Actor, orgID int64) (Document, error) {
	v, err := s.View(ctx, by, orgID)
	if err != nil {
		return Document{}, err
	}
	if !v.Staff {
		return Document{}, refuse(Forbidden, ReasonForbidden)
	}
	if v.Profile == nil {
		return Document{}, refuse(Conflict, ReasonProfileUnknown)
	}
	var b bytes.Buffer
	t := SheetTable{Name: profileSheet, Heads: 1, Rows: v.Profile.Table()}
	for range profileTitles {
		t.Widths = append(t.Widths, profileColumn)
	}
	if err := s.book.Table(ctx, t, &b); err != nil {
		return Document{}, fmt.Errorf("table of profile of center %d: %w", orgID, err)
	}
	return Document{Name: fileName(v.Profile.Name), Size: int64(b.Len()), Open: func(context.Context) (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(b.Bytes())), nil
	}}, nil
}

// profileColumn is how wide the columns of a profile's table are, in characters:
// its longest title fits.
const profileColumn = 18

// examineProfile is the Examiner of blank profiles.
func (s *Centers) examineProfile(ctx context.Context, _ Actor, u *Upload, local string) (Examined, error) {
	if _, err := s.readProfile(ctx, local); err != nil {
		return Examined{}, err
	}
	return Examined{Clean: File{SHA256: u.FileSHA, Size: u.Size, Type: typeUnknown}}, nil
}

// readProfile reads the first sheet with something in it as a blank profile. It
// refuses the name of a built-in one: profiles are chosen by name.
func (s *Centers) readProfile(ctx context.Context, path string) (*BlankProfile, error) {
	sheets, err := s.book.Read(ctx, path)
	if err != nil {
		return nil, err
	}
	sheets = slices.DeleteFunc(sheets, func(sh Sheet) bool { return sh.Hidden || len(sh.Rows) == 0 })
	if len(sheets) == 0 {
		return nil, refuse(Invalid, ReasonSheetEmpty)
	}
	p, err := ReadBlankProfile(sheets[0].Rows)
	if err != nil {
		return nil, err
	}
	if slices.ContainsFunc(s.profiles, func(known BlankProfile) bool { return fold(known.Name) == fold(p.Name) }) {
		return nil, refuseWith(Invalid, ReasonProfileExists, p.Name)
	}
	return &p, nil
}

// AddProfile makes the table that the actor has sent a blank profile of the
// center's own and chooses it. It takes the place of the center's own profile of
// this name.
func (s *Centers) AddProfile(ctx context.Context, by Actor, orgID, uploadID int64) (*OwnProfile, error) {
	u, err := s.store.Upload(ctx, uploadID)
	if err != nil {
		return nil, fmt.Errorf("profile of center %d: %w", orgID, err)
	}
	var source *BlankProfile
	if u.State == UploadAccepted {
		local, release, err := s.files.Local(ctx, u.CleanSHA)
		if err != nil {
			return nil, fmt.Errorf("profile of center %d: %w", orgID, err)
		}
		defer release()
		if source, err = s.readProfile(ctx, local); err != nil {
			return nil, err
		}
	}
	var out *OwnProfile
	err = s.inCenter(ctx, by, orgID, func(ctx context.Context, sc *centerScene) error {
		if _, err := useUpload(ctx, sc.tx, sc.by, uploadID, UploadProfile, orgID); err != nil {
			return err
		}
		if source == nil { // accepted after it was looked at
			return refuse(Invalid, ReasonUploadPending)
		}
		if err := makeRoom(ctx, sc, source.Name); err != nil {
			return err
		}
		n, err := sc.tx.OwnProfileCount(ctx, orgID)
		if err != nil {
			return err
		}
		out = &OwnProfile{
			CenterID: orgID, Code: fmt.Sprintf("own-%d-%d", orgID, n+1), Name: source.Name, AddedBy: sc.by.PersonID, AddedAt: sc.now,
		}
		if out.Source, err = json.Marshal(source); err != nil {
			return fmt.Errorf("encode profile: %w", err)
		}
		if err := sc.tx.InsertOwnProfile(ctx, out); err != nil {
			return err
		}
		sc.center.BlankProfile = out.Code
		return sc.save(ctx, "profile_add", out.Name)
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// makeRoom takes the center's own profile of this name out, or refuses when the
// center has as many as it can.
func makeRoom(ctx context.Context, sc *centerScene, name string) error {
	own, err := sc.tx.OwnProfiles(ctx, sc.center.OrgID)
	if err != nil {
		return err
	}
	if i := slices.IndexFunc(own, func(p OwnProfile) bool { return fold(p.Name) == fold(name) }); i >= 0 {
		return sc.tx.RemoveOwnProfile(ctx, own[i].ID, sc.now)
	}
	if len(own) >= maxProfiles {
		return refuseWith(Conflict, ReasonProfileTooMany, maxProfiles)
	}
	return nil
}
