package service

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Printing is one PDF made for strict blanks. It is kept for ever: blanks are
// accountable.
type Printing struct {
	ID           int64 `bun:",pk,autoincrement"`
	ExamID       int64
	Number       int             // of the exam's printings, from 1
	Applications []int64         `bun:",array"`              // in the order of the pages
	Form         json.RawMessage `bun:"type:jsonb"`          // CertificateForm, as it was when ordered
	Parts        []string        `bun:",array"`              // SHA-256 of the files, in the order of the pages; empty until a worker has drawn them
	Fault        json.RawMessage `bun:"type:jsonb,nullzero"` // PrintFault: nothing was drawn; nil: none
	Reprint      bool            // one of them at least was printed before
	Downloads    int             // how often the files were given out again
	OrderedBy    int64
	OrderedAt    time.Time // UTC
	UpdateID     int64     // of the chat; the same one again is the same printing; 0: none

	By string `bun:",scanonly"` // name of who ordered it
}

// CertificateForm is everything that a PDF of certificates says and how it lies
// on the blanks.
type CertificateForm struct {
	Exam         string // number
	Date         Day    // that the file itself carries
	Profile      BlankProfile
	PrinterName  string // it is not printed; "" for none
	RightBy      int    // tenths of a millimetre by which everything moves to the right, for the printer
	DownBy       int    // tenths of a millimetre by which everything moves down
	Certificates []Certificate
}

// Certificate is one page: what is printed on one blank.
type Certificate struct {
	Application        string // number; it is not printed
	Level              Level
	Name               string // as the papers have it; printed in capitals
	NameLatin          string
	Institution        string // in the instrumental case
	Address            string
	IssuedOn           Day
	ValidUntil         Day // zero: without limit
	RegistrationNumber string
	SignatoryPosition  string
	SignatoryName      string
}

// PrintFault tells why a printing could not be drawn.
type PrintFault struct {
	Application string `json:"application,omitempty"` // number; "" when it is the center's data
	Field       Field  `json:"field,omitempty"`       // which does not hold its text
	OffSheet    bool   `json:"off_sheet,omitempty"`   // it would, but the printer's offsets move it off the sheet
	Rune        string `json:"rune,omitempty"`        // a character that the font lacks
}

// PrintFaultAt is a PrintFault with what it is mended at.
type PrintFaultAt struct {
	PrintFault
	ExamID        int64
	ExamNumber    string
	CenterID      int64 // Org
	ApplicationID int64 // 0 when it is the center's data or its printer
	Frozen        bool  // the application has its number for good: its name can be mended no more
}

// OfCenter reports whether the text is the center's, not the candidate's.
func (f PrintFault) OfCenter() bool {
	switch f.Field {
	case FieldPlace, FieldInstitution, FieldAddress, FieldSignatoryPosition, FieldSignatoryName:
		return true
	case FieldPurposeLeft, FieldPurposeRight, FieldName, FieldNameLatin, FieldIssuedOn, FieldValidUntil, FieldRegistrationNumber:
	}
	return f.Application == ""
}

// at finds what a fault of a form is mended at; ids are those of the form's
// certificates.
func (f PrintFault) at(form *CertificateForm, ids []int64, e *Exam) PrintFaultAt {
	out := PrintFaultAt{PrintFault: f, ExamID: e.ID, ExamNumber: e.Number, CenterID: e.CenterID}
	if f.OfCenter() || f.OffSheet {
		return out
	}
	for i := range form.Certificates {
		if i < len(ids) && form.Certificates[i].Application == f.Application {
			out.ApplicationID = ids[i]
		}
	}
	return out
}

// The refusals about printings.
const (
	ReasonNothingToPrint Reason = "certificate.nothing"   // nobody of the exam has a registration number
	ReasonNotPrintable   Reason = "certificate.not_ready" // some lack their number, or none is due; Data: numbers of applications
	ReasonNoneChosen     Reason = "certificate.none"      // nobody was chosen
	ReasonPrintRange     Reason = "certificate.range"     // no range of the list; Data: how long the list is
	ReasonPrintFault     Reason = "certificate.fault"     // Data: PrintFaultAt
	ReasonNotDrawn       Reason = "certificate.not_drawn" // a worker is at it
)

// The events of printing in the history of an exam and of an application;
// Version is the printing's ID.
const (
	eventPrint    = "print"
	eventReprint  = "reprint"
	eventDownload = "print_download"
)

// CertificateQueries asks about printings.
type CertificateQueries interface {
	// Printing returns a printing, or NotFound.
	Printing(ctx context.Context, id int64) (*Printing, error)
	// PrintingOf returns what an update has ordered for an exam, or NotFound.
	PrintingOf(ctx context.Context, examID, updateID int64) (*Printing, error)
	// Printings lists the printings of an exam without their forms, newest first,
	// from offset on, at most limit.
	Printings(ctx context.Context, examID int64, offset, limit int) ([]Printing, error)
	// PrintedTimes counts, by application of an exam, the printings that bear its
	// certificate, those given out again included and those not drawn left out.
	PrintedTimes(ctx context.Context, examID int64) (map[int64]int, error)
}

// CertificateCommands changes printings.
type CertificateCommands interface {
	// InsertPrinting sets the new printing's ID and its Number. The exam is locked.
	InsertPrinting(ctx context.Context, p *Printing) error
	// SavePrinting writes parts, fault and downloads.
	SavePrinting(ctx context.Context, p *Printing) error
	// PrintingForUpdate is Printing and holds the row.
	PrintingForUpdate(ctx context.Context, id int64) (*Printing, error)
}

// PrintCertificates is the job that draws a printing.
type PrintCertificates struct {
	PrintingID int64 `json:"printing_id"`
}

// Kind names the job.
func (PrintCertificates) Kind() string { return "print_certificates" }

// JobOptions bound the tries: a person waits for the answer.
func (PrintCertificates) JobOptions() JobOptions { return JobOptions{MaxAttempts: 5} }

// CertificatesNotice brings a printing, or why there is none, to whoever ordered
// it.
type CertificatesNotice struct {
	PrintingID int64 `json:"printing_id"`
}

// NoticeKind names the notice.
func (CertificatesNotice) NoticeKind() string { return "certificates" }

// NoticeLane is the lane of answers.
func (CertificatesNotice) NoticeLane() Lane { return LaneAnswer }

// NoticeKey keeps every one.
func (CertificatesNotice) NoticeKey() string { return "" }

// Certificates prints certificates on strict blanks.
type Certificates struct {
	store    Store
	printer  Printer
	files    FileStore
	profiles []BlankProfile // built in
	now      Clock
}

// NewCertificates returns the use cases over store. Profiles are the built-in
// blank profiles.
func NewCertificates(store Store, printer Printer, files FileStore, profiles []BlankProfile, now Clock) *Certificates {
	return &Certificates{store: store, printer: printer, files: files, profiles: profiles, now: now}
}

// CompareNames orders names as Russian lists do: letters without regard to case,
// Ё right after Е, digits and Latin letters before Cyrillic ones. Equal names
// compare as their bytes, so that the order is total.
func CompareNames(a, b string) int {
	x, y := a, b
	for x != "" && y != "" {
		r, n := utf8.DecodeRuneInString(x)
		q, m := utf8.DecodeRuneInString(y)
		if c := cmp.Compare(letterWeight(r), letterWeight(q)); c != 0 {
			return c
		}
		x, y = x[n:], y[m:]
	}
	return cmp.Or(cmp.Compare(len(x), len(y)), cmp.Compare(a, b))
}

// letterWeight places a letter among the others: two for each, so that Ё fits
// between Е and Ж.
func letterWeight(r rune) int32 {
	if r = unicode.ToLower(r); r == 'ё' {
		return 2*'е' + 1
	}
	return 2 * r
}

// byName orders applications as they are printed and numbered.
func byName(a, b Application) int {
	return cmp.Or(CompareNames(a.Name(), b.Name()), cmp.Compare(a.Number, b.Number), cmp.Compare(a.ID, b.ID))
}

// printable reports whether a certificate can be printed for the application.
func printable(a *Application) bool { return a.Entitled() && a.RegistrationNumber != "" }

// PrintItem is a line of the list that people choose from before printing.
type PrintItem struct {
	Ordinal     int // in the list, from 1
	Application Application
	Printed     int // how often it was printed before
}

// Name is the candidate's full name.
func (i PrintItem) Name() string { return i.Application.Name() }

// PrintView is what is shown before a printing is ordered.
type PrintView struct {
	Exam    Exam
	Items   []PrintItem    // all of the exam that have their number, in order of name
	Printer *CenterPrinter // nil when none is chosen
}

// Printable lists what can be printed of an exam, for its center's staff. It is
// a Conflict while nobody has a registration number or the center's data are
// incomplete.
func (s *Certificates) Printable(ctx context.Context, by Actor, examID int64) (*PrintView, error) {
	e, err := s.store.Exam(ctx, by, examID)
	if err != nil {
		return nil, fmt.Errorf("exam %d: %w", examID, err)
	}
	if err := isStaffOf(by, e.CenterID); err != nil {
		return nil, err
	}
	c, err := s.store.Center(ctx, e.CenterID)
	if err != nil {
		return nil, fmt.Errorf("center %d: %w", e.CenterID, err)
	}
	org, err := s.store.Org(ctx, e.CenterID)
	if err != nil {
		return nil, fmt.Errorf("organisation %d: %w", e.CenterID, err)
	}
	if err := complete(c, org); err != nil {
		return nil, err
	}
	v := &PrintView{Exam: *e}
	if v.Printer, err = chosenPrinter(ctx, s.store, c); err != nil {
		return nil, err
	}
	all, err := s.store.Applications(ctx, examID)
	if err != nil {
		return nil, fmt.Errorf("applications of exam %d: %w", examID, err)
	}
	times, err := s.store.PrintedTimes(ctx, examID)
	if err != nil {
		return nil, fmt.Errorf("printings of exam %d: %w", examID, err)
	}
	slices.SortFunc(all, byName)
	for i := range all {
		if printable(&all[i]) {
			v.Items = append(v.Items, PrintItem{Ordinal: len(v.Items) + 1, Application: all[i], Printed: times[all[i].ID]})
		}
	}
	if len(v.Items) == 0 {
		return nil, refuse(Conflict, ReasonNothingToPrint)
	}
	return v, nil
}

// complete refuses while something is missing that every certificate says.
func complete(c *Center, org *Org) error {
	if missing := c.Missing(); missing != nil {
		return refuseWith(Conflict, ReasonCenterIncomplete, CenterGap{OrgID: org.ID, Center: org.Name, Missing: missing})
	}
	return nil
}

// chosenPrinter is the printer that a center prints on, nil when none is chosen.
func chosenPrinter(ctx context.Context, q Queries, c *Center) (*CenterPrinter, error) {
	if c.PrinterID == 0 {
		return nil, nil //nolint:nilnil // none is an answer, not an error
	}
	p, err := q.CenterPrinter(ctx, c.PrinterID)
	if err != nil {
		return nil, fmt.Errorf("printer %d: %w", c.PrinterID, err)
	}
	return p, nil
}

// PrintInput says which certificates are printed.
type PrintInput struct {
	ExamID       int64
	Applications []int64 // nil: all of the exam that have their number
	Printed      int     // how often these were printed before, in all, as the person was told
	UpdateID     int64   // of the chat; the same one again is the same printing
}

// Order has a worker draw certificates of an exam, for its center's staff. What
// was printed before is printed again and noted as a reprint, when the person
// knows of it: if some were printed since they looked, Order returns a Conflict
// and changes nothing.
func (s *Certificates) Order(ctx context.Context, by Actor, in PrintInput) (*Printing, error) {
	var out *Printing
	err := inExam(ctx, s.store, s.now, by, in.ExamID, func(ctx context.Context, sc *examScene) error {
		apps, err := sc.tx.ApplicationsForUpdate(ctx, in.ExamID, in.Applications)
		if err != nil {
			return err
		}
		if in.Applications == nil {
			apps = slices.DeleteFunc(apps, func(a Application) bool { return !printable(&a) })
			if len(apps) == 0 {
				return refuse(Conflict, ReasonNothingToPrint)
			}
		} else if len(apps) != len(in.Applications) { // moved to another exam
			return movedOn(ctx, sc.tx, sc.by, SubjectExam, in.ExamID, nil)
		}
		out, err = s.orderPrinting(ctx, sc, apps, in.Printed, in.UpdateID)
		return frozen(err)
	})
	if err != nil {
		return nil, fmt.Errorf("print certificates of exam %d: %w", in.ExamID, err)
	}
	return out, nil
}

// frozen says of a printing's fault that it is too late to mend the name.
func frozen(err error) error {
	var e *Error
	if errors.As(err, &e) {
		if at, ok := e.Data.(PrintFaultAt); ok {
			at.Frozen = true
			e.Data = at
		}
	}
	return err
}

// orderPrinting has a worker draw certificates of the scene's exam, which must
// all have their registration number, and writes the printing down in the
// history of each. It refuses what cannot be printed: nobody, somebody who is not
// entitled or has no number, a center whose data are incomplete, a text that does
// not fit or that the font cannot show, and those who were printed another number
// of times than printed. The same update again is the same printing.
func (s *Certificates) orderPrinting(ctx context.Context, sc *examScene, apps []Application, printed int, updateID int64) (*Printing, error) {
	if updateID != 0 {
		before, err := sc.tx.PrintingOf(ctx, sc.exam.ID, updateID)
		if err == nil {
			return before, nil
		}
		if AsError(err).Kind != NotFound {
			return nil, err
		}
	}
	form, err := s.form(ctx, sc, apps)
	if err != nil {
		return nil, err
	}
	p := &Printing{ExamID: sc.exam.ID, OrderedBy: sc.by.PersonID, OrderedAt: sc.now, UpdateID: updateID}
	times, err := sc.tx.PrintedTimes(ctx, sc.exam.ID)
	if err != nil {
		return nil, err
	}
	before := 0
	for i := range apps {
		p.Applications = append(p.Applications, apps[i].ID)
		before += times[apps[i].ID]
	}
	if before != printed {
		return nil, movedOn(ctx, sc.tx, sc.by, SubjectExam, sc.exam.ID, nil)
	}
	p.Reprint = before > 0
	if err := s.tryToDraw(ctx, &form, p.Applications, sc.exam); err != nil {
		return nil, err
	}
	if p.Form, err = json.Marshal(form); err != nil {
		return nil, fmt.Errorf("encode form: %w", err)
	}
	if err := sc.tx.InsertPrinting(ctx, p); err != nil {
		return nil, err
	}
	event := func(id int64) string {
		if times[id] > 0 {
			return eventReprint
		}
		return eventPrint
	}
	if err := notePrinting(ctx, sc, p, event); err != nil {
		return nil, err
	}
	return p, sc.tx.InsertJob(ctx, PrintCertificates{PrintingID: p.ID})
}

// notePrinting writes a printing into the history of its exam and of each of its
// applications.
func notePrinting(ctx context.Context, sc *examScene, p *Printing, event func(applicationID int64) string) error {
	h := History{Subject: SubjectExam, SubjectID: p.ExamID, At: sc.now, PersonID: sc.by.PersonID, Event: event(0), Version: p.Number}
	if h.Event == eventPrint && p.Reprint {
		h.Event = eventReprint
	}
	steps := []History{h}
	h.Subject = SubjectApplication
	for _, id := range p.Applications {
		h.SubjectID, h.Event = id, event(id)
		steps = append(steps, h)
	}
	return sc.tx.AddHistories(ctx, steps)
}

// form gathers what a printing says, and puts the applications in the order of
// their pages.
func (s *Certificates) form(ctx context.Context, sc *examScene, apps []Application) (CertificateForm, error) {
	var f CertificateForm
	if len(apps) == 0 {
		return f, refuse(Invalid, ReasonNoneChosen)
	}
	if err := complete(sc.center, sc.org); err != nil {
		return f, err
	}
	slices.SortFunc(apps, byName)
	var refused []string
	for i := range apps {
		if !printable(&apps[i]) {
			refused = append(refused, apps[i].Number)
		}
	}
	if refused != nil {
		return f, refuseWith(Conflict, ReasonNotPrintable, refused)
	}
	profile, err := profileOf(ctx, sc.tx, s.profiles, sc.org.ID, sc.center.BlankProfile)
	if err != nil {
		return f, err
	}
	f = CertificateForm{Exam: sc.exam.Number, Profile: *profile}
	device, err := chosenPrinter(ctx, sc.tx, sc.center)
	if err != nil {
		return f, err
	}
	if device != nil {
		f.PrinterName, f.RightBy, f.DownBy = device.Name, device.RightBy, device.DownBy
	}
	for i := range apps {
		a := &apps[i]
		f.Certificates = append(f.Certificates, certificateOf(a, sc.center))
		if a.IssuedOn.After(f.Date) { // not today: the same data give the same bytes on any day
			f.Date = a.IssuedOn
		}
	}
	return f, nil
}

// certificateOf is what is printed for an application now.
func certificateOf(a *Application, center *Center) Certificate {
	return Certificate{
		Application: a.Number, Level: a.Level, Name: a.Name(), NameLatin: a.NameLatin(),
		Institution: center.NameInstrumental, Address: center.IssueAddress,
		IssuedOn: a.IssuedOn, ValidUntil: a.ValidUntil, RegistrationNumber: a.RegistrationNumber,
		SignatoryPosition: center.SignatoryPosition, SignatoryName: center.SignatoryName,
	}
}

// tryToDraw refuses a form that cannot be drawn, before anything is written of it:
// numbers that ФИС ФРДО has given are written together with their printing, and
// names with such numbers can be mended no more.
func (s *Certificates) tryToDraw(ctx context.Context, f *CertificateForm, ids []int64, e *Exam) error {
	_, err := s.printer.Certificates(ctx, *f)
	if fault := faultOf(err, f); fault != nil {
		return &Error{Kind: Conflict, Reason: ReasonPrintFault, Data: fault.at(f, ids, e), Err: err}
	}
	return err
}

// faultOf reads out of an error why a form cannot be drawn, nil when the error
// is not the form's. Every certificate bears the center's texts: a character of
// theirs is not the application's.
func faultOf(err error, f *CertificateForm) *PrintFault {
	var glyph *GlyphError
	if errors.As(err, &glyph) {
		fault := &PrintFault{Application: glyph.Application, Rune: string(glyph.Rune)}
		for i := range f.Certificates {
			if c := &f.Certificates[i]; c.Application == glyph.Application && !hasLetter(c.Name+c.NameLatin+c.RegistrationNumber, glyph.Rune) {
				fault.Application = ""
			}
		}
		return fault
	}
	var fit *FitError
	if errors.As(err, &fit) {
		return &PrintFault{Application: fit.Application, Field: fit.Field, OffSheet: fit.OffSheet}
	}
	return nil
}

// hasLetter reports whether a text has the letter, capital or small.
func hasLetter(text string, r rune) bool {
	return strings.ContainsRune(text, r) || strings.ContainsRune(strings.ToUpper(text), r)
}

// Print is the job PrintCertificates: it draws a printing, stores it and lets
// whoever ordered it know. What cannot be drawn is told to them, too: it is
// mended in the data, not by trying again.
func (s *Certificates) Print(ctx context.Context, j PrintCertificates) error {
	p, err := s.store.Printing(ctx, j.PrintingID)
	if err != nil {
		return fmt.Errorf("printing %d: %w", j.PrintingID, err)
	}
	if len(p.Parts) > 0 || p.Fault != nil {
		return nil
	}
	var form CertificateForm
	if err := json.Unmarshal(p.Form, &form); err != nil {
		return fmt.Errorf("form of printing %d: %w", p.ID, err)
	}
	files, err := s.draw(ctx, form)
	if fault := faultOf(err, &form); fault != nil {
		if p.Fault, err = json.Marshal(fault); err != nil {
			return fmt.Errorf("fault of printing %d: %w", p.ID, err)
		}
	} else if err != nil {
		return fmt.Errorf("draw printing %d: %w", p.ID, err)
	}
	return s.store.InTx(ctx, func(ctx context.Context, tx Tx) error {
		held, err := tx.PrintingForUpdate(ctx, p.ID)
		if err != nil {
			return err
		}
		if len(held.Parts) > 0 || held.Fault != nil { // another worker was faster
			return tx.JobDone(ctx, j)
		}
		held.Fault, held.Parts = p.Fault, []string{}
		for _, f := range files {
			if err := tx.SaveFile(ctx, f); err != nil {
				return err
			}
			held.Parts = append(held.Parts, f.SHA256)
		}
		if err := tx.SavePrinting(ctx, held); err != nil {
			return err
		}
		if err := tx.Enqueue(ctx, p.OrderedBy, CertificatesNotice{PrintingID: p.ID}, time.Time{}); err != nil {
			return err
		}
		return tx.JobDone(ctx, j) // else a crash would bring the file twice
	})
}

// GiveUp tells whoever waits for a printing that it could not be drawn.
func (s *Certificates) GiveUp(ctx context.Context, j PrintCertificates) error {
	p, err := s.store.Printing(ctx, j.PrintingID)
	if err != nil {
		return fmt.Errorf("printing %d: %w", j.PrintingID, err)
	}
	return giveUp(ctx, s.store, p.OrderedBy, FailedNotice{Job: j.Kind()})
}

// draw draws a form into as many files as the chat takes it in.
func (s *Certificates) draw(ctx context.Context, f CertificateForm) ([]File, error) {
	whole, err := s.put(ctx, f)
	switch {
	case err != nil:
		return nil, err
	case whole.Size <= archivePart:
		return []File{whole}, nil
	}
	var out []File
	for _, some := range splitPages(f.Certificates, whole.Size, archivePart) {
		part := f
		part.Certificates = some
		file, err := s.put(ctx, part)
		if err != nil {
			return nil, err
		}
		out = append(out, file)
	}
	return out, nil
}

func (s *Certificates) put(ctx context.Context, f CertificateForm) (File, error) {
	pdf, err := s.printer.Certificates(ctx, f)
	if err != nil {
		return File{}, err
	}
	sha, size, err := s.files.Put(ctx, bytes.NewReader(pdf))
	return File{SHA256: sha, Size: size, Type: typePDF}, err
}

// splitPages deals the pages of a file of this size, in bytes, into files that
// keep under the limit. Pages are alike, so a tenth to spare is plenty.
func splitPages(pages []Certificate, size, limit int64) [][]Certificate {
	each := max(1, int(int64(len(pages))*limit*9/10/size))
	return slices.Collect(slices.Chunk(pages, each))
}

// PrintingView is a printing as people are told of it.
type PrintingView struct {
	Printing
	Exam  Exam
	Pages int
	Again int // of the pages, those that were printed before
	Form  CertificateForm
	Fault *PrintFaultAt // nil when it was drawn, or will be
}

// Printing returns a printing to whoever may see its exam.
func (s *Certificates) Printing(ctx context.Context, by Actor, id int64) (*PrintingView, error) {
	p, err := s.store.Printing(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("printing %d: %w", id, err)
	}
	e, err := s.store.Exam(ctx, by, p.ExamID)
	if err != nil {
		return nil, fmt.Errorf("exam of printing %d: %w", id, err)
	}
	v := &PrintingView{Printing: *p, Exam: *e, Pages: len(p.Applications)}
	if err := json.Unmarshal(p.Form, &v.Form); err != nil {
		return nil, fmt.Errorf("form of printing %d: %w", id, err)
	}
	if p.Fault != nil {
		var fault PrintFault
		if err := json.Unmarshal(p.Fault, &fault); err != nil {
			return nil, fmt.Errorf("fault of printing %d: %w", id, err)
		}
		at := fault.at(&v.Form, p.Applications, e)
		at.Frozen = true
		v.Fault = &at
	}
	return v, nil
}

// Documents returns the files of a printing, in the order of their pages, to the
// staff of its exam's center, or a Conflict while it is being drawn. Their names
// are the exam's number alone.
func (s *Certificates) Documents(ctx context.Context, by Actor, id int64) (*PrintingView, []Document, error) {
	v, err := s.Printing(ctx, by, id)
	if err != nil {
		return nil, nil, err
	}
	if err := isStaffOf(by, v.Exam.CenterID); err != nil {
		return nil, nil, err
	}
	switch {
	case v.Fault != nil:
		return v, nil, refuseWith(Conflict, ReasonPrintFault, *v.Fault)
	case len(v.Parts) == 0:
		return v, nil, refuse(Conflict, ReasonNotDrawn)
	}
	var out []Document
	for _, sha := range v.Parts {
		f, err := s.store.File(ctx, sha)
		if err != nil {
			return nil, nil, fmt.Errorf("file of printing %d: %w", id, err)
		}
		out = append(out, Document{
			Name: fileName(v.Exam.Number), SHA256: f.SHA256, Size: f.Size,
			Open: func(ctx context.Context) (io.ReadCloser, error) { return s.files.Open(ctx, f.SHA256) },
		})
	}
	return v, out, nil
}

// Download is Documents for whoever wants the files once more. Blanks are
// accountable and each time can be another printing: it is counted and noted in
// the history of the exam and of each application.
func (s *Certificates) Download(ctx context.Context, by Actor, id int64) (*PrintingView, []Document, error) {
	v, docs, err := s.Documents(ctx, by, id)
	if err != nil {
		return nil, nil, err
	}
	err = inExam(ctx, s.store, s.now, by, v.Exam.ID, func(ctx context.Context, sc *examScene) error {
		p, err := sc.tx.PrintingForUpdate(ctx, id)
		if err != nil {
			return err
		}
		p.Downloads++
		if err := sc.tx.SavePrinting(ctx, p); err != nil {
			return err
		}
		v.Downloads = p.Downloads
		return notePrinting(ctx, sc, p, func(int64) string { return eventDownload })
	})
	if err != nil {
		return nil, nil, fmt.Errorf("download printing %d: %w", id, err)
	}
	return v, docs, nil
}

// Printings lists the printings of an exam, newest first, from offset on, at most
// limit, to whoever may see the exam.
func (s *Certificates) Printings(ctx context.Context, by Actor, examID int64, offset, limit int) (*Exam, []Printing, error) {
	e, err := s.store.Exam(ctx, by, examID)
	if err != nil {
		return nil, nil, fmt.Errorf("exam %d: %w", examID, err)
	}
	list, err := s.store.Printings(ctx, examID, offset, limit)
	if err != nil {
		return nil, nil, fmt.Errorf("printings of exam %d: %w", examID, err)
	}
	return e, list, nil
}

// TrialView tells what a trial page was drawn for.
type TrialView struct {
	Org     Org
	Profile BlankProfile
	Printer *CenterPrinter // nil when none is chosen
}

// Trial draws the trial page of a center for its chosen blank profile and
// printer, for its staff. The document's name is the profile's.
func (s *Certificates) Trial(ctx context.Context, by Actor, centerID int64) (*TrialView, Document, error) {
	if err := isStaffOf(by, centerID); err != nil {
		return nil, Document{}, err
	}
	org, err := s.store.Org(ctx, centerID)
	if err != nil {
		return nil, Document{}, fmt.Errorf("organisation %d: %w", centerID, err)
	}
	c, err := s.store.Center(ctx, centerID)
	if err != nil {
		return nil, Document{}, fmt.Errorf("center %d: %w", centerID, err)
	}
	if c.BlankProfile == "" {
		gap := CenterGap{OrgID: org.ID, Center: org.Name, Missing: []CenterField{CenterProfile}}
		return nil, Document{}, refuseWith(Conflict, ReasonCenterIncomplete, gap)
	}
	profile, err := profileOf(ctx, s.store, s.profiles, centerID, c.BlankProfile)
	if err != nil {
		return nil, Document{}, err
	}
	v := &TrialView{Org: *org, Profile: *profile}
	if v.Printer, err = chosenPrinter(ctx, s.store, c); err != nil {
		return nil, Document{}, err
	}
	f := TrialForm{Profile: *profile}
	if v.Printer != nil {
		f.Printer, f.RightBy, f.DownBy = v.Printer.Name, v.Printer.RightBy, v.Printer.DownBy
	}
	pdf, err := s.printer.Trial(ctx, f)
	if err != nil {
		return nil, Document{}, fmt.Errorf("trial page of center %d: %w", centerID, err)
	}
	return v, Document{Name: fileName(profile.Name), Size: int64(len(pdf)), Open: func(context.Context) (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(pdf)), nil
	}}, nil
}

// ParseOrdinals reads which things of a numbered list are meant, from 1 to n, in
// rising order: «3–17», «1, 4, 7–9». Hyphens and dashes mean the same.
func ParseOrdinals(s string, n int) ([]int, error) {
	bad := refuseWith(Invalid, ReasonPrintRange, n)
	s = strings.Map(func(r rune) rune {
		switch {
		case isDash(r):
			return '-'
		case r == ';':
			return ','
		}
		return r
	}, s)
	chosen := make(map[int]bool)
	for _, part := range strings.Split(s, ",") {
		first, last, ranged := strings.Cut(part, "-")
		from, err := strconv.Atoi(strings.TrimSpace(first))
		if err != nil {
			return nil, bad
		}
		to := from
		if ranged {
			if to, err = strconv.Atoi(strings.TrimSpace(last)); err != nil {
				return nil, bad
			}
		}
		if from < 1 || to > n || from > to {
			return nil, bad
		}
		for i := from; i <= to; i++ {
			chosen[i] = true
		}
	}
	return slices.Sorted(maps.Keys(chosen)), nil
}
