package service_test

import (
	"bytes"
	"context"
	"fmt"
	"image/color"
	"image/jpeg"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"flowbot/service"
	"flowbot/service/ocr/drawn"
)

// byHand has somebody send a file for an application, and has it looked at.
func (d *scanDesk) byHand(by service.Actor, a service.Application, file []byte) *service.Upload {
	d.t.Helper()
	d.updates++
	ref := fmt.Sprintf("hand-%d", d.updates)
	d.chat.files[ref] = file
	u, err := d.uploads.Receive(d.t.Context(), by, service.UploadInput{
		Purpose: service.UploadScan, SubjectID: a.ID, UpdateID: d.updates, ChatRef: ref, Name: "скан.pdf", Size: int64(len(file)),
	})
	if err != nil {
		d.t.Fatal(err)
	}
	if err := d.uploads.Check(d.t.Context(), service.CheckUpload{UploadID: u.ID}); err != nil {
		d.t.Fatal(err)
	}
	if u, err = d.store.Upload(d.t.Context(), u.ID); err != nil {
		d.t.Fatal(err)
	}
	return u
}

// load tries to load a file for an application on a blank.
func (d *scanDesk) load(a service.Application, u *service.Upload, blank string, words ...func(*service.LoadInput)) (*service.Application, error) {
	d.t.Helper()
	now := d.as(a)
	in := service.LoadInput{
		ApplicationID: a.ID, Revision: now.Revision, UploadID: u.ID, Blank: service.BlankKey{Number: blank},
		RegistrationNumber: now.RegistrationNumber, IssuedOn: now.IssuedOn,
	}
	for _, w := range words {
		w(&in)
	}
	return d.scans.Load(d.t.Context(), d.anna, in)
}

// What a person says about a load.
func compared(in *service.LoadInput)    { in.Confirmed = true }
func replacingIt(in *service.LoadInput) { in.Replace = true }
func wordsForAll(in *service.LoadInput) { in.Confirmed, in.Replace, in.Outside = true, true, true }
func allWords(in *service.ChoosePage) {
	in.Confirmed, in.Replace, in.Outside, in.Unnamed = true, true, true, true
}
func withoutName(r *service.PageReading) { r.Candidates = nil }

// named says that the name is of another application of the list.
func named(a service.Application) func(*service.PageReading) {
	return func(r *service.PageReading) {
		misnamed(r)
		alsoNamed(a)(r)
	}
}

// alsoNamed says that the name is of an application of the list, whoever else's it is.
func alsoNamed(a service.Application) func(*service.PageReading) {
	return ofName(a, func(c *service.CandidateReading) {
		c.Name, c.NameWhite, c.Latin, c.LatinWhite = .95, .01, .95, .01
	})
}

// inked says that ink lies where the name of an application would be.
func inked(a service.Application) func(*service.PageReading) {
	return ofName(a, func(c *service.CandidateReading) {
		c.Name, c.NameWhite, c.Latin, c.LatinWhite = .3, .05, .3, .05
	})
}

// ofName changes how the name was compared with that of an application.
func ofName(a service.Application, change func(*service.CandidateReading)) func(*service.PageReading) {
	return func(r *service.PageReading) {
		for i := range r.Candidates {
			if r.Candidates[i].ApplicationID == a.ID {
				change(&r.Candidates[i])
			}
		}
	}
}

// cyrillicOnly says that no name was compared in Latin.
func cyrillicOnly(r *service.PageReading) {
	for i := range r.Candidates {
		r.Candidates[i].Latin, r.Candidates[i].LatinWhite = -1, 1
	}
}

// pdfOf is a PDF of pages as a scanner makes it.
func pdfOf(t *testing.T, pages ...[]byte) []byte {
	t.Helper()
	var b bytes.Buffer
	binder := drawn.NewBinder(&b)
	for _, p := range pages {
		c, err := jpeg.DecodeConfig(bytes.NewReader(p))
		if err == nil {
			err = binder.Add(&drawn.Scan{JPEG: p, Gray: c.ColorModel == color.GrayModel})
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := binder.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestAFileForOneApplicationIsRead(t *testing.T) {
	t.Parallel()
	d := newScanDesk(t)
	_, list := d.waiting(1)
	a := list[0]
	broken := pdfOf(t, d.scanned(a))
	tests := []struct {
		name   string
		file   []byte
		reason service.Reason
		read   bool // something was
		lines  bool // they were drawn
		mime   string
	}{
		{"a scan", pdfOf(t, d.scanned(a)), "", true, true, "application/pdf"},
		{"a picture", d.scanned(a), "", true, true, "application/pdf"},
		{"with an empty side", pdfOf(t, d.scanned(a), d.scanned(a, empty)), "", true, true, "application/pdf"},
		{"with an empty page before it", pdfOf(t, d.scanned(a, empty), d.scanned(a)), "", true, true, "application/pdf"},
		{"on which no blank is", d.scanned(a, noBlank), "", true, false, "application/pdf"},
		{"empty", pdfOf(t, d.scanned(a, empty)), "", true, false, "application/pdf"},
		{"that kills its reader", pdfOf(t, d.unreadable()), "", false, false, "application/pdf"},
		{"a picture that kills its reader", d.unreadable(), "", false, false, "image/jpeg"},
		{"two certificates", pdfOf(t, d.scanned(a), d.scanned(a)), service.ReasonUploadPages, false, false, ""},
		{"two certificates and an empty page", pdfOf(t, d.scanned(a), d.scanned(a, empty), d.scanned(a, noBlank)), service.ReasonUploadPages, false, false, ""},
		{"two that kill their reader", pdfOf(t, d.unreadable(), d.unreadable()), service.ReasonUploadPages, false, false, ""},
		{"an archive", packed(t, d.scanned(a), d.scanned(a)), service.ReasonUploadNotPaper, false, false, ""},
		{"words", []byte("это не скан"), service.ReasonUploadNotPaper, false, false, ""},
		{"cut off", broken[:len(broken)/2], service.ReasonFileBroken, false, false, ""},
		{"nothing", []byte{}, service.ReasonFileEmpty, false, false, ""},
	}
	for _, tt := range tests {
		u := d.byHand(d.anna, a, tt.file)
		if u.Reason != tt.reason || (u.State == service.UploadAccepted) != (tt.reason == "") || u.Type != tt.mime ||
			(u.Evidence != nil) != tt.read || (u.LinesSHA != "") != tt.lines {
			t.Errorf("%s: %s %q %s, read %v, lines %q", tt.name, u.State, u.Reason, u.Type, u.Evidence != nil, u.LinesSHA)
		}
		if tt.reason != "" {
			continue
		}
		if u.PageSHA == "" || u.Pages != 1 || u.CleanSHA == u.FileSHA && tt.read {
			t.Errorf("%s: %d pages, the page is %q", tt.name, u.Pages, u.PageSHA)
		}
		if err := d.uploads.Remove(t.Context(), d.anna, u.ID); err != nil {
			t.Fatal(err)
		}
	}
}

func TestNoScanIsTakenWhereTheBlanksAreNotKnown(t *testing.T) {
	t.Parallel()
	d := newScanDesk(t)
	e, list := d.waiting(1)
	a := list[0]
	accepted := d.byHand(d.anna, a, d.scanned(a))
	d.exec(`UPDATE centers SET blank_profile = '' WHERE org_id = ?`, d.org.ID)
	u := d.byHand(d.boris, a, d.scanned(a))
	_, batch := d.batches.Begin(t.Context(), d.anna, e.ID)
	_, sent := d.trySend(d.anna, nil, d.scanned(a), false)
	_, load := d.load(a, accepted, "0000000000101", compared)
	for deed, err := range map[string]error{
		"a load begins":            d.scans.CheckLoad(t.Context(), d.anna, a.ID, false),
		"a file for it is sent":    &service.Error{Reason: u.Reason},
		"a batch begins":           batch,
		"scans come by themselves": sent,
		"a load ends":              load,
	} {
		if service.ReasonOf(err) != service.ReasonCenterNoProfile {
			t.Errorf("%s: %v", deed, err)
		}
	}

	if err := d.centers.Set(t.Context(), d.anna, d.org.ID, d.revision(), service.CenterProfile, "blank-210"); err != nil {
		t.Fatal(err)
	}
	if err := d.scans.CheckLoad(t.Context(), d.anna, a.ID, false); err != nil {
		t.Error(err)
	}
	both := d.byHand(d.boris, a, pdfOf(t, d.scanned(a), d.scanned(a, empty)))
	if both.State != service.UploadAccepted || both.Pages != 1 || both.Evidence == nil {
		t.Errorf("once it is chosen, a file with an empty side is %+v", both)
	}
}

// What was printed says which blanks come back, whatever the center has chosen.
func TestScansArePossibleOnWhatWasPrinted(t *testing.T) {
	t.Parallel()
	d := newScanDesk(t)
	e, list := d.waiting(1)
	if _, err := d.order(d.anna, e); err != nil {
		t.Fatal(err)
	}
	d.exec(`UPDATE centers SET blank_profile = '' WHERE org_id = ?`, d.org.ID)
	if _, err := d.batches.Begin(t.Context(), d.anna, e.ID); err != nil {
		t.Error(err)
	}
	if u := d.byHand(d.anna, list[0], d.scanned(list[0])); u.Evidence == nil {
		t.Errorf("the file is %+v", u)
	}
}

func TestAFileIsLoadedForWhomItIs(t *testing.T) {
	t.Parallel()
	const free, other = "0000000000101", "0000000000102"
	tests := []struct {
		name    string
		page    func(d *scanDesk, list []service.Application) []byte // for the first
		before  func(d *scanDesk, list []service.Application)
		plain   service.Reason // "" loads it
		looked  service.Reason // once the person has compared
		support bool
	}{
		{name: "its own", page: func(d *scanDesk, l []service.Application) []byte { return d.scanned(l[0]) }, support: true},
		{name: "its own, of which a digit is unread", page: func(d *scanDesk, l []service.Application) []byte { return d.scanned(l[0], blotted) }, support: true},
		{
			name: "its own, of which nothing is read", page: func(d *scanDesk, l []service.Application) []byte { return d.scanned(l[0], unread) },
			plain: service.ReasonScanUnsupported,
		},
		{
			name: "that kills its reader", page: func(d *scanDesk, _ []service.Application) []byte { return d.unreadable() },
			plain: service.ReasonScanUnsupported,
		},
		{
			name: "no certificate", page: func(d *scanDesk, l []service.Application) []byte { return d.scanned(l[0], noBlank) },
			plain: service.ReasonScanUnsupported,
		},
		{
			name: "two on a page", page: func(d *scanDesk, l []service.Application) []byte { return d.scanned(l[0], twoBlanks) },
			plain: service.ReasonScanSeveral, looked: service.ReasonScanSeveral,
		},
		{
			name: "empty", page: func(d *scanDesk, l []service.Application) []byte { return d.scanned(l[0], empty) },
			plain: service.ReasonScanUnsupported,
		},
		{
			name: "of another", page: func(d *scanDesk, l []service.Application) []byte { return d.scanned(l[1]) },
			plain: service.ReasonScanAnothers, looked: service.ReasonScanAnothers,
		},
		{
			name: "with another's number and nobody's name", page: func(d *scanDesk, l []service.Application) []byte { return d.scanned(l[1], misnamed) },
			plain: service.ReasonScanAnothers, looked: service.ReasonScanAnothers,
		},
		{
			name: "with another's number and its own name", page: func(d *scanDesk, l []service.Application) []byte { return d.scanned(l[1], named(l[0])) },
			plain: service.ReasonScanUnsupported,
		},
		{
			name: "with another's number and its own name, on that one's blank",
			before: func(d *scanDesk, l []service.Application) {
				d.sends(d.anna, &service.Exam{ID: l[0].ExamID}, d.scanned(l[1], onBlank(other)))
				d.work()
			},
			page: func(d *scanDesk, l []service.Application) []byte {
				return d.scanned(l[1], named(l[0]), onBlank(other))
			},
			plain: service.ReasonScanAnothers, looked: service.ReasonScanAnothers,
		},
		{
			name: "with another's number and its own name, on another blank than was said",
			page: func(d *scanDesk, l []service.Application) []byte {
				return d.scanned(l[1], named(l[0]), onBlank(other))
			},
			plain: service.ReasonScanAnothers, looked: service.ReasonScanAnothers,
		},
		{
			name: "with another's number, and no name", page: func(d *scanDesk, l []service.Application) []byte { return d.scanned(l[1], withoutName) },
			plain: service.ReasonScanUnsupported,
		},
		{
			name: "with another's name, and no number", page: func(d *scanDesk, l []service.Application) []byte { return d.scanned(l[1], blotAll) },
			plain: service.ReasonScanAnothers, looked: service.ReasonScanAnothers,
		},
		{
			name: "with another's name and its own number", page: func(d *scanDesk, l []service.Application) []byte { return d.scanned(l[0], named(l[1])) },
			plain: service.ReasonScanAnothers, looked: service.ReasonScanAnothers,
		},
		{
			name: "with another's name in one alphabet, and no number",
			page: func(d *scanDesk, l []service.Application) []byte {
				return d.scanned(l[1], blotAll, cyrillicOnly)
			},
			plain: service.ReasonScanUnsupported,
		},
		{
			name: "with another's name, its own under ink, and no number",
			page: func(d *scanDesk, l []service.Application) []byte {
				return d.scanned(l[1], blotAll, inked(l[0]))
			},
			plain: service.ReasonScanUnsupported,
		},
		{
			name: "with its own name, which is another's too, and no number",
			page: func(d *scanDesk, l []service.Application) []byte {
				return d.scanned(l[0], blotAll, alsoNamed(l[1]))
			},
			plain: service.ReasonScanNamesake, looked: service.ReasonScanNamesake,
		},
		{
			name: "with its own name, which is also that of one whose certificate is there, and no number",
			before: func(d *scanDesk, l []service.Application) {
				d.sends(d.anna, &service.Exam{ID: l[0].ExamID}, d.scanned(l[1]))
				d.work()
			},
			page: func(d *scanDesk, l []service.Application) []byte {
				return d.scanned(l[0], blotAll, alsoNamed(l[1]))
			},
			plain: service.ReasonScanUnsupported,
		},
		{
			name: "with its own name, which is another's too, and a number of which a digit is unread",
			page: func(d *scanDesk, l []service.Application) []byte {
				return d.scanned(l[0], blotted, alsoNamed(l[1]))
			},
			support: true,
		},
		{
			name: "with a name that two others have, and no number",
			page: func(d *scanDesk, l []service.Application) []byte {
				return d.scanned(l[1], blotAll, alsoNamed(l[2]))
			},
			plain: service.ReasonScanUnsupported,
		},
		{
			name: "with another's name in one alphabet, and no number, on that one's blank",
			before: func(d *scanDesk, l []service.Application) {
				d.sends(d.anna, &service.Exam{ID: l[0].ExamID}, d.scanned(l[1], onBlank(other)))
				d.work()
			},
			page: func(d *scanDesk, l []service.Application) []byte {
				return d.scanned(l[1], blotAll, cyrillicOnly, onBlank(other))
			},
			plain: service.ReasonScanAnothers, looked: service.ReasonScanAnothers,
		},
		{
			name: "of somebody in another exam", page: func(d *scanDesk, _ []service.Application) []byte {
				_, far := d.waiting(1, elsewhere)
				return d.scanned(far[0])
			},
			plain: service.ReasonScanAnothers, looked: service.ReasonScanAnothers,
		},
		{
			name:   "with its own name, which is also that of one whose certificate another exam awaits, and no number",
			before: func(d *scanDesk, l []service.Application) { d.waiting(1, calledAs(l[0])) },
			page:   func(d *scanDesk, l []service.Application) []byte { return d.scanned(l[0], blotAll) },
			plain:  service.ReasonScanNamesake, looked: service.ReasonScanNamesake,
		},
		{
			name: "with its own name, which is also that of one whose certificate another exam has, and no number",
			before: func(d *scanDesk, l []service.Application) {
				e, other := d.waiting(2, calledAs(l[0]))
				d.sends(d.anna, e, d.scanned(other[0]), d.scanned(other[1]))
				d.work()
			},
			page:    func(d *scanDesk, l []service.Application) []byte { return d.scanned(l[0], blotAll) },
			support: true,
		},
		{
			name:   "with its own name and number, and a namesake in another exam",
			before: func(d *scanDesk, l []service.Application) { d.waiting(1, calledAs(l[0])) },
			page:   func(d *scanDesk, l []service.Application) []byte { return d.scanned(l[0]) }, support: true,
		},
		{
			name: "without a name, and with a number that is its own alone as far as it is read",
			page: func(d *scanDesk, l []service.Application) []byte { return d.scanned(l[0], withoutName, blotEnd) }, support: true,
		},
		{
			name:   "without a name, and with a number that another exam has too as far as it is read",
			before: func(d *scanDesk, _ []service.Application) { d.waiting(1, renumbered) },
			page:   func(d *scanDesk, l []service.Application) []byte { return d.scanned(l[0], withoutName, blotEnd) },
			plain:  service.ReasonScanUnsupported,
		},
		{
			name: "of a stranger to the center", page: func(d *scanDesk, l []service.Application) []byte {
				return d.scanned(l[0], misnamed, func(r *service.PageReading) { r.Number = "26-10-40538-999999-1" })
			},
			plain: service.ReasonScanUnsupported,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d := newScanDesk(t)
			e, list := d.waiting(3)
			if tt.before != nil {
				tt.before(d, list)
			}
			u := d.byHand(d.anna, list[0], tt.page(d, list))
			loaded := d.loadedOf(e)
			if tt.plain != "" {
				if _, err := d.load(list[0], u, free); service.ReasonOf(err) != tt.plain {
					t.Fatalf("unconfirmed: %v, want %s", err, tt.plain)
				}
				look, err := d.scans.Look(t.Context(), d.anna, list[0].ID, service.SaidScan{Blank: service.BlankKey{Number: free}})
				if err != nil || look.Supported || look.Refused != tt.looked {
					t.Errorf("it looks like %+v, %v", look, err)
				}
			}
			words := []func(*service.LoadInput){compared}
			if tt.plain == "" {
				words = nil
			}
			a, err := d.load(list[0], u, free, words...)
			if service.ReasonOf(err) != tt.looked {
				t.Fatalf("confirmed: %v, want %q", err, tt.looked)
			}
			if tt.looked != "" {
				if diff := cmp.Diff(loaded, d.loadedOf(e)); diff != "" {
					t.Error(diff)
				}
				return
			}
			scan, err := d.store.Scan(t.Context(), a.ScanID)
			if err != nil || scan.Supported != tt.support || scan.CleanSHA != u.CleanSHA || scan.PageSHA != u.PageSHA {
				t.Errorf("the scan is %+v, %v", scan, err)
			}
		})
	}
}

// blotAll says that no digit of the number can be read.
func blotAll(r *service.PageReading) { r.Number = "??-??-?????-??????-?" }

// blotEnd says that what tells a number from that of another exam cannot be read.
func blotEnd(r *service.PageReading) { r.Number = r.Number[:len(r.Number)-4] + "????" }

// renumbered gives the applications of another exam numbers that end otherwise.
func renumbered(_ int, a *service.Application) {
	a.RegistrationNumber = a.RegistrationNumber[:len(a.RegistrationNumber)-4] + "0009"
}

// calledAs is renumbered, and gives all of them the name of one.
func calledAs(one service.Application) func(int, *service.Application) {
	return func(n int, a *service.Application) {
		renumbered(n, a)
		a.LastName, a.FirstName, a.MiddleName = strings.ToUpper(one.LastName), one.FirstName, one.MiddleName
		a.LastNameLatin, a.FirstNameLatin, a.MiddleNameLatin = one.LastNameLatin, one.FirstNameLatin, one.MiddleNameLatin
	}
}

func TestARefusedFileNamesWhoseItIs(t *testing.T) {
	t.Parallel()
	d := newScanDesk(t)
	_, list := d.waiting(2)
	u := d.byHand(d.anna, list[0], d.scanned(list[1]))
	_, err := d.load(list[0], u, "0000000000101", compared)
	fault, ok := service.AsError(err).Data.(service.ScanFault)
	if !ok || fault.Application != list[1].Number || fault.RegistrationNumber != list[1].RegistrationNumber {
		t.Errorf("%v says %+v", err, fault)
	}
}

func TestAnApplicationWithoutANumberIsKnownByName(t *testing.T) {
	t.Parallel()
	d := newScanDesk(t)
	_, list := d.waiting(3, func(n int, a *service.Application) {
		if n != 2 {
			a.RegistrationNumber, a.IssuedOn, a.ValidUntil = "", service.Day{}, service.Day{}
		}
	})
	said := func(in *service.LoadInput) {
		in.RegistrationNumber, in.IssuedOn = "26-10-40538-777777-1", day(t, "2026-02-25")
	}
	own, other := list[0], list[2]
	own.RegistrationNumber, other.RegistrationNumber = "26-10-40538-777777-1", "26-10-40538-777777-1"

	u := d.byHand(d.anna, list[0], d.scanned(list[1]))
	if _, err := d.load(list[0], u, "0000000000101", said, compared); service.ReasonOf(err) != service.ReasonScanAnothers {
		t.Errorf("another's: %v", err)
	}
	if err := d.uploads.Remove(t.Context(), d.anna, u.ID); err != nil {
		t.Fatal(err)
	}

	u = d.byHand(d.anna, list[0], d.scanned(other))
	if _, err := d.load(list[0], u, "0000000000101", said, compared); service.ReasonOf(err) != service.ReasonScanAnothers {
		t.Errorf("of another without a number: %v", err)
	}
	look, err := d.scans.Look(t.Context(), d.anna, list[0].ID, service.SaidScan{})
	if err != nil {
		t.Fatal(err)
	}
	if !look.Denied || len(look.Called) != 1 || look.Called[0].ID != other.ID {
		t.Errorf("the look says %+v", look)
	}
	if err := d.uploads.Remove(t.Context(), d.anna, u.ID); err != nil {
		t.Fatal(err)
	}

	u = d.byHand(d.anna, list[0], d.scanned(own))
	if _, err := d.load(list[0], u, "0000000000101", said); err != nil {
		t.Errorf("its own: %v", err)
	}
}

func TestTheListIsAskedAgainWhenAScanIsLoaded(t *testing.T) {
	t.Parallel()
	d := newScanDesk(t)
	_, list := d.waiting(2)
	u := d.byHand(d.anna, list[0], d.scanned(list[0]))
	d.exec(`UPDATE applications SET last_name = 'Петров', last_name_latin = 'PETROV', registration_number = '26-10-40538-000099-1' WHERE id = ?`, list[0].ID)
	if _, err := d.load(list[0], u, "0000000000101"); service.ReasonOf(err) != service.ReasonScanUnsupported {
		t.Errorf("once renamed: %v", err)
	}
	d.exec(`UPDATE applications SET registration_number = ? WHERE id = ?`, list[0].RegistrationNumber, list[1].ID)
	if _, err := d.load(list[0], u, "0000000000101", compared); err != nil && service.ReasonOf(err) != service.ReasonScanAnothers {
		t.Errorf("once another has the number: %v", err)
	}
}

func TestAFileStandsAtOneApplication(t *testing.T) {
	t.Parallel()
	d := newScanDesk(t)
	e, list := d.waiting(4)
	page := d.scanned(list[0], noBlank)
	first := d.byHand(d.anna, list[0], pdfOf(t, page))
	if _, err := d.load(list[0], first, "0000000000101", compared); err != nil {
		t.Fatal(err)
	}
	for name, file := range map[string][]byte{"the same file": pdfOf(t, page), "the page of it": page, "among empty ones": pdfOf(t, page, d.scanned(list[0], empty))} {
		u := d.byHand(d.anna, list[1], file)
		_, err := d.load(list[1], u, "0000000000102", compared)
		if fault, _ := service.AsError(err).Data.(service.ScanFault); service.ReasonOf(err) != service.ReasonScanElsewhere || fault.Application != list[0].Number {
			t.Errorf("%s: %v, %+v", name, err, fault)
		}
		if err := d.uploads.Remove(t.Context(), d.anna, u.ID); err != nil {
			t.Fatal(err)
		}
	}
	q := d.askOne(e, page, service.MatchNotFound)
	if _, err := d.choose(d.anna, q, list[1], allWords); service.ReasonOf(err) != service.ReasonScanElsewhere {
		t.Errorf("as a page: %v", err)
	}

	q = d.askOne(e, d.scanned(list[2], noBlank), service.MatchNotFound)
	d.chosen(q, list[2], confirmed)
	u := d.byHand(d.anna, list[3], d.bytesOf(q.SHA))
	if _, err := d.load(list[3], u, "0000000000104", compared); service.ReasonOf(err) != service.ReasonScanElsewhere {
		t.Errorf("a page that stands, by hand: %v", err)
	}

	better := d.byHand(d.anna, list[0], d.scanned(list[0]))
	if _, err := d.load(list[0], better, "0000000000101", replacingIt); err != nil {
		t.Fatal(err)
	}
	again := d.byHand(d.anna, list[1], pdfOf(t, page))
	if _, err := d.load(list[1], again, "0000000000102", compared); err != nil {
		t.Errorf("once it stands nowhere: %v", err)
	}
}

// Each load holds its own exam: only the file is common to both.
func TestOfTwoWhoLoadOneFileAtOneMomentOneWins(t *testing.T) {
	t.Parallel()
	for name, file := range map[string]func(t *testing.T, page []byte) []byte{
		"the same file":             func(t *testing.T, page []byte) []byte { t.Helper(); return pdfOf(t, page) },
		"a file and the page of it": func(_ *testing.T, page []byte) []byte { return page },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newScanDesk(t)
			_, one := d.waiting(1)
			_, two := d.waiting(1, elsewhere)
			page := d.scanned(one[0], noBlank)
			first, second := d.byHand(d.anna, one[0], pdfOf(t, page)), d.byHand(d.anna, two[0], file(t, page))
			errs := make([]error, 2)
			whileLocked(t, d.store, "LOCK TABLE scans IN SHARE MODE", []func(){ // both look, neither can write
				func() { _, errs[0] = d.load(one[0], first, "0000000000101", compared) },
				func() { _, errs[1] = d.load(two[0], second, "0000000000102", compared) },
			})
			lost := errs[0]
			if lost == nil {
				lost = errs[1]
			}
			if service.ReasonOf(lost) != service.ReasonScanElsewhere || errs[0] != nil && errs[1] != nil {
				t.Errorf("the loads came to %v and %v", errs[0], errs[1])
			}
		})
	}
}

func TestAFileThatStandsElsewhereDoesNotComeBack(t *testing.T) {
	t.Parallel()
	d := newScanDesk(t)
	e, list := d.waiting(2)
	file := d.scanned(list[0], noBlank)
	if _, err := d.load(list[0], d.byHand(d.anna, list[0], file), "0000000000101", compared); err != nil {
		t.Fatal(err)
	}
	q := d.askOne(e, d.scanned(list[0], blotted), service.MatchNoNumber)
	p := d.chosen(q, list[0], replacing)
	if _, err := d.load(list[1], d.byHand(d.anna, list[1], file), "0000000000102", compared); err != nil {
		t.Fatal(err)
	}
	if _, err := d.questions().Undo(t.Context(), d.anna, p.ID, p.Revision); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"002 0000000000102"}, d.loadedOf(e)); diff != "" {
		t.Error(diff)
	}
}

// bytesOf is a stored file.
func (d *scanDesk) bytesOf(sha string) []byte {
	d.t.Helper()
	r, err := d.files.Open(d.t.Context(), sha)
	if err != nil {
		d.t.Fatal(err)
	}
	var b bytes.Buffer
	if _, err := b.ReadFrom(r); err != nil {
		d.t.Fatal(err)
	}
	if err := r.Close(); err != nil {
		d.t.Fatal(err)
	}
	return b.Bytes()
}

func TestAPageReadAsAnothersIsNotChosen(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		page func(d *scanDesk, l []service.Application) []byte
		rule service.MatchRule
		want service.Reason // for the first, with every word; "" takes it
	}{
		{
			"with another's number and nobody's name", func(d *scanDesk, l []service.Application) []byte { return d.scanned(l[1], misnamed) },
			service.MatchNameDiffers, service.ReasonScanAnothers,
		},
		{
			"with another's number and the name of a third", func(d *scanDesk, l []service.Application) []byte { return d.scanned(l[1], named(l[2])) },
			service.MatchNameDiffers, service.ReasonScanAnothers,
		},
		{
			"with another's number and this one's name", func(d *scanDesk, l []service.Application) []byte { return d.scanned(l[1], named(l[0])) },
			service.MatchNameDiffers, "",
		},
		{
			"with another's name alone", func(d *scanDesk, l []service.Application) []byte { return d.scanned(l[1], blotAll) },
			service.MatchNoNumber, service.ReasonScanAnothers,
		},
		{
			"with this one's number and another's name", func(d *scanDesk, l []service.Application) []byte { return d.scanned(l[0], named(l[1])) },
			service.MatchNameDiffers, service.ReasonScanAnothers,
		},
		{
			"two on a page", func(d *scanDesk, l []service.Application) []byte { return d.scanned(l[0], twoBlanks) },
			service.MatchSeveral, service.ReasonScanSeveral,
		},
		{
			"with another's name in one alphabet",
			func(d *scanDesk, l []service.Application) []byte { return d.scanned(l[1], blotAll, cyrillicOnly) },
			service.MatchNoNumber, "",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d := newScanDesk(t)
			e, list := d.waiting(3)
			q := d.askOne(e, tt.page(d, list), tt.rule)
			if _, err := d.choose(d.anna, q, list[0], allWords); service.ReasonOf(err) != tt.want {
				t.Errorf("%v, want %q", err, tt.want)
			}
		})
	}
	t.Run("sure of two pages that contradict each other", func(t *testing.T) {
		t.Parallel()
		d := newScanDesk(t)
		e, list := d.waiting(3)
		for _, q := range d.ask(e, d.scanned(list[1]), d.scanned(list[1])) {
			if _, err := d.choose(d.anna, q, list[0], allWords); service.ReasonOf(err) != service.ReasonScanAnothers {
				t.Errorf("%s: %v", q.Rule, err)
			}
		}
	})
	t.Run("of another exam", func(t *testing.T) {
		t.Parallel()
		d := newScanDesk(t)
		e, list := d.waiting(2)
		_, far := d.waiting(1, elsewhere)
		q := d.askOne(e, d.scanned(far[0]), service.PageRuleOtherExam)
		if _, err := d.choose(d.anna, q, list[0], allWords); service.ReasonOf(err) != service.ReasonScanAnothers {
			t.Error(err)
		}
		d.chosen(q, far[0])
	})
}

// randomReading reads a page more or less like a certificate of a list.
func randomReading(r *rand.Rand, list []service.PrintedCertificate) *service.PageReading {
	owner := list[r.IntN(len(list))]
	number := func() string {
		from := owner
		if r.IntN(5) == 0 {
			from = list[r.IntN(len(list))]
		}
		text := []byte(from.Of(service.FieldRegistrationNumber)[0].Text)
		for i := range text {
			if text[i] != '-' && r.IntN(40) == 0 {
				text[i] = '?'
			}
		}
		return string(text)
	}
	if r.IntN(10) == 0 {
		number = func() string { return "26-10-40538-999999-1" }
	}
	out := &service.PageReading{Located: r.IntN(20) > 0, Empty: r.IntN(30) == 0, Number: number()}
	if r.IntN(2) == 0 {
		out.NumberSecond, out.NumberLikely = number(), number()
	}
	name := owner.ApplicationID
	if r.IntN(4) == 0 {
		name = list[r.IntN(len(list))].ApplicationID
	}
	for _, c := range list {
		if r.IntN(10) == 0 {
			continue
		}
		one := service.CandidateReading{ApplicationID: c.ApplicationID, Digits: r.Float64(), Name: r.Float64() / 2, Latin: r.Float64() / 2, NameWhite: .3, LatinWhite: .3}
		if c.ApplicationID == name {
			one.Name, one.Latin, one.NameWhite, one.LatinWhite = .5+r.Float64()/2, .5+r.Float64()/2, r.Float64()/4, r.Float64()/4
		}
		out.Candidates = append(out.Candidates, one)
	}
	return out
}

func TestWhatIsAnothersByTwoReadingsIsNobodyElses(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(4, 4))
	matched, others := 0, 0
	for range 20000 {
		numbers := make([]string, 1+r.IntN(12))
		for i := range numbers {
			numbers[i] = fmt.Sprintf("26-10-40538-%06d-1", r.IntN(30))
		}
		list := printedNumbers(numbers...)
		reading := randomReading(r, list)
		known := service.PageFacts{BlankAgainst: r.IntN(4) == 0}
		if r.IntN(3) == 0 {
			known.BlankOf = list[r.IntN(len(list))].ApplicationID
		}
		owner, _ := service.MatchPage(list, reading)
		if owner != 0 {
			matched++
		}
		for _, c := range list {
			known.NumberOf = numberIn(list, reading, c)
			another := service.AnothersPage(list, reading, c.ApplicationID, known)
			if another != 0 {
				others++
			}
			switch {
			case another == c.ApplicationID:
				t.Fatalf("%d is refused as its own: %+v", another, reading)
			case owner != 0 && owner != c.ApplicationID && another != owner:
				t.Fatalf("a page of %d goes to %d: %+v", owner, c.ApplicationID, reading)
			case owner == c.ApplicationID && another != 0:
				t.Fatalf("a page of %d is refused as %d's: %+v", owner, another, reading)
			case owner != c.ApplicationID && another == 0 && namesOnlyAnother(reading, c.ApplicationID):
				t.Fatalf("a page with another's name goes to %d: %+v", c.ApplicationID, reading)
			case another != 0 && service.Supported(list, reading, c.ApplicationID):
				t.Fatalf("a page is supported as %d's and refused as %d's: %+v", c.ApplicationID, another, reading)
			}
		}
	}
	if matched < 1000 || others < 1000 {
		t.Errorf("only %d pages were matched, %d choices refused", matched, others)
	}
}

// namesOnlyAnother reports whether the name on a page is, in both alphabets, that of
// one other application, and not that of this one.
func namesOnlyAnother(r *service.PageReading, applicationID int64) bool {
	agree, denied := 0, false
	for _, c := range r.Candidates {
		switch {
		case c.ApplicationID == applicationID:
			denied = c.DeniesName() && !c.AgreesByName()
		case c.AgreesByName():
			agree++
		}
	}
	return agree == 1 && denied
}

// numberIn is the certificate of a list with the whole number on a page, chosen if
// it is that; 99 when the number is nobody's on the list.
func numberIn(list []service.PrintedCertificate, r *service.PageReading, chosen service.PrintedCertificate) int64 {
	if strings.Contains(r.Number, "?") {
		return 0
	}
	for _, c := range append([]service.PrintedCertificate{chosen}, list...) {
		if c.Of(service.FieldRegistrationNumber)[0].Text == r.Number {
			return c.ApplicationID
		}
	}
	return 99
}

// TestNoWordOfAPersonGivesAPageToAnother has a person insist, by both ways, on
// somebody else than the machine is certain of.
func TestNoWordOfAPersonGivesAPageToAnother(t *testing.T) {
	t.Parallel()
	d := newScanDesk(t)
	e, list := d.waiting(4)
	r := rand.New(rand.NewPCG(7, 7))
	sure := 0
	for range 40 {
		var owner int64
		page := d.page(func(l *service.PageList) (*service.PageReading, error) {
			reading := randomReading(r, l.Certificates)
			owner, _ = service.MatchPage(l.Certificates, reading)
			return reading, nil
		})
		chosen := list[r.IntN(len(list))]
		u := d.byHand(d.anna, chosen, page)
		if u.State != service.UploadAccepted {
			t.Fatalf("the file is %+v", u)
		}
		if owner != 0 && owner != chosen.ID {
			sure++
			if _, err := d.load(chosen, u, "0000000000101", wordsForAll); service.ReasonOf(err) != service.ReasonScanAnothers {
				t.Errorf("a page of %d is loaded for %d: %v", owner, chosen.ID, err)
			}
			q := d.question(e, page, u)
			if _, err := d.choose(d.anna, q, chosen, allWords); service.ReasonOf(err) != service.ReasonScanAnothers {
				t.Errorf("a page of %d is chosen for %d: %v", owner, chosen.ID, err)
			}
		}
		if err := d.uploads.Remove(t.Context(), d.anna, u.ID); err != nil {
			t.Fatal(err)
		}
	}
	if sure < 5 {
		t.Errorf("only %d pages were another's", sure)
	}
}

// question makes a question of a page with what was read on it by hand, whatever
// the machine would decide.
func (d *scanDesk) question(e *service.Exam, page []byte, u *service.Upload) service.ScanPageLine {
	d.t.Helper()
	b := d.sends(d.anna, e, page)
	d.work()
	err := d.store.InTx(d.t.Context(), func(ctx context.Context, tx service.Tx) error {
		pages, err := tx.ScanPages(ctx, b.ID, nil, 0, 1)
		if err != nil {
			return err
		}
		p, err := tx.ScanPageForUpdate(ctx, pages[0].ID)
		if err != nil {
			return err
		}
		p.State, p.Rule, p.ScanID, p.Evidence = service.PageQuestion, service.MatchUnsure, 0, slices.Clone(u.Evidence)
		return tx.SaveScanPage(ctx, p)
	})
	if err != nil {
		d.t.Fatal(err)
	}
	pages, err := d.store.PageLines(d.t.Context(), b.ID, []service.PageState{service.PageQuestion}, 0, 1)
	if err != nil || len(pages) != 1 {
		d.t.Fatal(len(pages), err)
	}
	return pages[0]
}
