package service_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"flowbot/service"
	"flowbot/service/foreign"
	"flowbot/service/pdf"
	"flowbot/templates"
)

// press is a center with everything that its certificates need.
type press struct {
	*center
	centers      *service.Centers
	certificates *service.Certificates
	uploads      *service.Uploads
	updates      int64
}

func newPress(t *testing.T) *press {
	t.Helper()
	p := &press{center: newCenter(t)}
	tables, err := templates.BlankProfiles()
	if err != nil {
		t.Fatal(err)
	}
	profiles, err := service.BuildBlankProfiles(tables...)
	if err != nil {
		t.Fatal(err)
	}
	printer, err := pdf.New()
	if err != nil {
		t.Fatal(err)
	}
	reader, err := foreign.New(foreign.Options{TempDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	say := func(r service.Reason, _ any) (string, error) { return string(r), nil }
	p.uploads = service.NewUploads(p.store, nil, reader, p.files, 20<<20, say, p.now)
	p.centers = service.NewCenters(p.store, reader.Book(), p.files, p.uploads, profiles, p.now)
	p.certificates = service.NewCertificates(p.store, printer, p.files, profiles, p.now)
	return p
}

// filled fills in the center's data.
func (p *press) filled() {
	p.t.Helper()
	for f, value := range map[service.CenterField]string{
		service.CenterInstitution: "Центром тестирования «Мост»", service.CenterAddress: "г. Тверь, ул. Лесная, д. 5",
		service.CenterPosition: "Директор", service.CenterSignatory: "И. И. Мостова", service.CenterProfile: "blank-210",
	} {
		if err := p.centers.Set(p.t.Context(), p.anna, p.org.ID, p.revision(), f, value); err != nil {
			p.t.Fatal(err)
		}
	}
}

// revision is the center's as it stands.
func (p *press) revision() int {
	p.t.Helper()
	c, err := p.store.Center(p.t.Context(), p.org.ID)
	if err != nil {
		p.t.Fatal(err)
	}
	return c.Revision
}

// numbered is an application that has its registration number.
func numbered(n int, a *service.Application) {
	passed(n, a)
	a.RegistrationNumber = fmt.Sprintf("26-10-40538-%06d-1", n) + a.Number[len(a.Number)-4:]
	a.IssuedOn = service.NewDay(2026, time.February, 25)
	a.ValidUntil = a.Level.ValidUntil(a.IssuedOn)
}

// order orders a printing, each time by another update, by somebody who has been
// told what was printed before.
func (p *press) order(by service.Actor, e *service.Exam, ids ...int64) (*service.Printing, error) {
	p.t.Helper()
	p.updates++
	in := service.PrintInput{ExamID: e.ID, Applications: ids, UpdateID: p.updates}
	times, err := p.store.PrintedTimes(p.t.Context(), e.ID)
	if err != nil {
		p.t.Fatal(err)
	}
	for id, n := range times {
		if ids == nil || slices.Contains(ids, id) {
			in.Printed += n
		}
	}
	return p.certificates.Order(p.t.Context(), by, in)
}

// printed orders a printing and has it drawn.
func (p *press) printed(e *service.Exam, ids ...int64) *service.PrintingView {
	p.t.Helper()
	made, err := p.order(p.anna, e, ids...)
	if err != nil {
		p.t.Fatal(err)
	}
	if err := p.certificates.Print(p.t.Context(), service.PrintCertificates{PrintingID: made.ID}); err != nil {
		p.t.Fatal(err)
	}
	v, err := p.certificates.Printing(p.t.Context(), p.anna, made.ID)
	if err != nil {
		p.t.Fatal(err)
	}
	return v
}

// pages are the numbers of the applications in the order of a printing's pages.
func pages(v *service.PrintingView) []string {
	var out []string
	for _, c := range v.Form.Certificates {
		out = append(out, c.Application)
	}
	return out
}

func TestNamesComeInTheOrderOfRussianLists(t *testing.T) {
	t.Parallel()
	want := []string{"", "Karimov", "абаев", "Абаев А", "Ежов", "Ёжиков", "ёлкин", "Ёлкина", "Жуков", "Ярцев", "Яшин"}
	got := slices.Clone(want)
	slices.Reverse(got)
	slices.SortFunc(got, service.CompareNames)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestOrdinalsAreReadAsPeopleWriteThem(t *testing.T) {
	t.Parallel()
	tests := []struct {
		text string
		want []int // nil: refused
	}{
		{"3–5", []int{3, 4, 5}},
		{"3-5", []int{3, 4, 5}},
		{" 1, 4 , 6—7 ", []int{1, 4, 6, 7}},
		{"2;2;1-3", []int{1, 2, 3}},
		{"7", []int{7}},
		{"0", nil},
		{"8", nil},
		{"5-3", nil},
		{"1-99999999999999999999", nil},
		{"три", nil},
		{"1-", nil},
		{"", nil},
	}
	for _, tt := range tests {
		got, err := service.ParseOrdinals(tt.text, 7)
		if (err == nil) != (tt.want != nil) || !slices.Equal(got, tt.want) {
			t.Errorf("%q: %v, %v", tt.text, got, err)
		}
		if err != nil && service.ReasonOf(err) != service.ReasonPrintRange {
			t.Errorf("%q: %v", tt.text, err)
		}
	}
}

func TestCertificatesAreOrderedByNameAndOnlyWithTheirNumber(t *testing.T) {
	t.Parallel()
	p := newPress(t)
	p.filled()
	names := []string{"Ежов", "Жуков", "Ёлкин", "Абаев", "Яшин"}
	e := p.exam(5, numbered, func(n int, a *service.Application) {
		a.LastName = names[n-1]
		if n == 5 {
			a.RegistrationNumber, a.IssuedOn, a.ValidUntil = "", service.Day{}, service.Day{}
		}
	})
	v := p.printed(e)
	want := []string{e.Number + "-004", e.Number + "-001", e.Number + "-003", e.Number + "-002"}
	if diff := cmp.Diff(want, pages(v)); diff != "" {
		t.Error(diff)
	}
	if v.Reprint || len(v.Parts) != 1 || v.Fault != nil || v.Form.Date != service.NewDay(2026, time.February, 25) {
		t.Errorf("%+v", v.Printing)
	}
	last := p.applications(e)
	i := slices.IndexFunc(last, func(a service.Application) bool { return a.LastName == "Яшин" })
	if _, err := p.order(p.anna, e, last[i].ID); service.ReasonOf(err) != service.ReasonNotPrintable {
		t.Errorf("without a number: %v", err)
	}
}

func TestTheSameDataMakeTheSameBytesOnAnyDay(t *testing.T) {
	t.Parallel()
	p := newPress(t)
	p.filled()
	e := p.exam(3, numbered)
	first := p.printed(e)
	p.wait(49 * time.Hour)
	again := p.printed(e)
	if first.ID == again.ID || !slices.Equal(first.Parts, again.Parts) {
		t.Errorf("%v, then %v", first.Parts, again.Parts)
	}
	if !again.Reprint {
		t.Error("the second printing is no reprint")
	}
}

func TestTheSameUpdateIsTheSamePrinting(t *testing.T) {
	t.Parallel()
	p := newPress(t)
	p.filled()
	e := p.exam(2, numbered)
	in := service.PrintInput{ExamID: e.ID, UpdateID: 77}
	var ids sync.Map
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			made, err := p.certificates.Order(t.Context(), p.anna, in)
			if err != nil {
				t.Error(err)
				return
			}
			ids.Store(made.ID, true)
		})
	}
	wg.Wait()
	n := 0
	ids.Range(func(any, any) bool { n++; return true })
	if n != 1 {
		t.Errorf("%d printings", n)
	}
	if steps, err := p.store.HistoryOf(t.Context(), service.SubjectExam, e.ID, 100); err != nil || len(steps) != 1 {
		t.Errorf("%v, %v", steps, err)
	}
}

func TestNobodyPrintsAgainUnawares(t *testing.T) {
	t.Parallel()
	p := newPress(t)
	p.filled()
	e := p.exam(2, numbered)
	in := service.PrintInput{ExamID: e.ID, UpdateID: 77}
	var made, moved atomic.Int32
	var wg sync.WaitGroup
	for i, by := range []service.Actor{p.anna, p.boris} {
		wg.Go(func() {
			mine := in
			mine.UpdateID += int64(i)
			_, err := p.certificates.Order(t.Context(), by, mine)
			switch {
			case err == nil:
				made.Add(1)
			case service.ReasonOf(err) == service.ReasonMovedOn:
				moved.Add(1)
			default:
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if made.Load() != 1 || moved.Load() != 1 {
		t.Errorf("%d printings, %d refusals", made.Load(), moved.Load())
	}
	in.UpdateID, in.Printed = 79, 2
	again, err := p.certificates.Order(t.Context(), p.boris, in)
	if err != nil || !again.Reprint {
		t.Errorf("whoever knows of it: %+v, %v", again, err)
	}
}

func TestWhoMayPrint(t *testing.T) {
	t.Parallel()
	p := newPress(t)
	p.filled()
	e := p.exam(1, numbered)
	empty := p.exam(2, passed)
	tests := []struct {
		name string
		by   service.Actor
		exam *service.Exam
		want service.Reason
	}{
		{"a colleague", p.boris, e, ""},
		{"staff of another center", p.stranger, e, service.ReasonNotFound},
		{"an admin, who only looks", p.admin, e, service.ReasonForbidden},
		{"nobody", service.Actor{}, e, service.ReasonNotFound},
		{"an exam without numbers", p.anna, empty, service.ReasonNothingToPrint},
	}
	for _, tt := range tests {
		_, err := p.order(tt.by, tt.exam)
		if service.ReasonOf(err) != tt.want {
			t.Errorf("%s: %v", tt.name, err)
		}
		if _, err := p.certificates.Printable(t.Context(), tt.by, tt.exam.ID); service.ReasonOf(err) != tt.want {
			t.Errorf("%s looks: %v", tt.name, err)
		}
	}
}

func TestNothingIsPrintedWhileTheCenterIsIncomplete(t *testing.T) {
	t.Parallel()
	p := newPress(t)
	e := p.exam(1, numbered)
	_, err := p.order(p.anna, e)
	gap, ok := service.AsError(err).Data.(service.CenterGap)
	if !ok || gap.OrgID != p.org.ID || !slices.Equal(gap.Missing, service.CenterFields) {
		t.Errorf("%v: %+v", err, service.AsError(err).Data)
	}
	if _, _, err := p.certificates.Trial(t.Context(), p.anna, p.org.ID); service.ReasonOf(err) != service.ReasonCenterIncomplete {
		t.Errorf("a trial page without a profile: %v", err)
	}
	p.filled()
	p.printed(e)
}

func TestAPrintingThatCannotBeDrawnLeavesNothing(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		spoil func(*service.Application)
		want  service.PrintFault
	}{
		{"a character that the font lacks", func(a *service.Application) { a.FirstName = "Али漢" }, service.PrintFault{Rune: "漢"}},
		{"a name that no field holds", func(a *service.Application) {
			a.FirstName = string(bytes.Repeat([]byte("Абвгдежзик"), 30))
		}, service.PrintFault{Field: service.FieldName}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := newPress(t)
			p.filled()
			e := p.exam(3, numbered, func(n int, a *service.Application) {
				if n == 2 {
					tt.spoil(a)
				}
			})
			_, err := p.order(p.anna, e)
			got, ok := service.AsError(err).Data.(service.PrintFaultAt)
			tt.want.Application = e.Number + "-002"
			if !ok || got.PrintFault != tt.want || got.ApplicationID != p.applications(e)[1].ID || got.CenterID != p.org.ID {
				t.Fatalf("%v: %+v", err, service.AsError(err).Data)
			}
			if _, list, err := p.certificates.Printings(t.Context(), p.anna, e.ID, 0, 10); err != nil || len(list) != 0 {
				t.Errorf("%v, %v", list, err)
			}
			all := p.applications(e)
			v := p.printed(e, all[0].ID, all[2].ID)
			if v.Reprint || v.Pages != 2 {
				t.Errorf("the others: %+v", v.Printing)
			}
		})
	}
}

// brokenPrinter draws nothing from the second time on.
type brokenPrinter struct {
	service.Printer
	calls int
	err   error
}

// Certificates implements service.Printer.
func (b *brokenPrinter) Certificates(context.Context, service.CertificateForm) ([]byte, error) {
	b.calls++
	if b.calls > 1 {
		return nil, b.err
	}
	return []byte("%PDF"), nil
}

func TestAWorkerThatCannotDrawTellsWhoOrdered(t *testing.T) {
	t.Parallel()
	p := newPress(t)
	p.filled()
	e := p.exam(2, numbered)
	broken := &brokenPrinter{err: &service.FitError{Application: e.Number + "-001", Field: service.FieldName}}
	certificates := service.NewCertificates(p.store, broken, p.files, nil, p.now)
	if _, err := certificates.Order(t.Context(), p.anna, service.PrintInput{ExamID: e.ID, UpdateID: 1}); err == nil {
		t.Fatal("a profile that is not built in")
	}
	if err := p.centers.Set(t.Context(), p.anna, p.org.ID, p.revision(), service.CenterProfile, "vector-200"); err != nil {
		t.Fatal(err)
	}
	made, err := p.order(p.anna, e)
	if err != nil {
		t.Fatal(err)
	}
	broken.calls = 1
	if err := certificates.Print(t.Context(), service.PrintCertificates{PrintingID: made.ID}); err != nil {
		t.Fatal(err)
	}
	v, _, err := p.certificates.Documents(t.Context(), p.anna, made.ID)
	if service.ReasonOf(err) != service.ReasonPrintFault || v.Fault.Field != service.FieldName || v.Fault.ApplicationID == 0 {
		t.Errorf("%v: %+v", err, v)
	}
	var told int
	if err := p.store.Bun().NewRaw(`SELECT count(*) FROM notices WHERE kind = 'certificates' AND person_id = ?`, p.anna.PersonID).Scan(t.Context(), &told); err != nil || told != 1 {
		t.Errorf("%d notices, %v", told, err)
	}
	if again := p.printed(e); again.Reprint {
		t.Error("what was never drawn counts as printed")
	}
	broken.err = errors.New("out of paper")
	made, err = p.order(p.anna, e)
	if err != nil {
		t.Fatal(err)
	}
	if err := certificates.Print(t.Context(), service.PrintCertificates{PrintingID: made.ID}); err == nil {
		t.Error("a failure of ours is no fault of the data: it must be tried again")
	}
	if err := certificates.GiveUp(t.Context(), service.PrintCertificates{PrintingID: made.ID}); err != nil {
		t.Error(err)
	}
}

func TestEveryPrintingAndDownloadIsInTheHistory(t *testing.T) {
	t.Parallel()
	p := newPress(t)
	p.filled()
	e := p.exam(3, numbered)
	all := p.applications(e)
	first := p.printed(e, all[0].ID, all[1].ID)
	second := p.printed(e, all[1].ID, all[2].ID)
	if first.Reprint || !second.Reprint {
		t.Errorf("reprints: %t, %t", first.Reprint, second.Reprint)
	}
	v, docs, err := p.certificates.Download(t.Context(), p.boris, second.ID)
	if err != nil || len(docs) != 1 || v.Downloads != 1 {
		t.Fatalf("%v, %v", docs, err)
	}
	if _, _, err := p.certificates.Download(t.Context(), p.admin, second.ID); service.ReasonOf(err) != service.ReasonForbidden {
		t.Errorf("an admin: %v", err)
	}
	if _, _, err := p.certificates.Download(t.Context(), p.stranger, second.ID); service.ReasonOf(err) != service.ReasonNotFound {
		t.Errorf("a stranger: %v", err)
	}
	life := func(subject string, id int64) []string {
		steps, err := p.store.HistoryOf(t.Context(), subject, id, 100)
		if err != nil {
			t.Fatal(err)
		}
		var out []string
		for _, h := range steps {
			out = append(out, fmt.Sprintf("%s %s %d", h.By, h.Event, h.Version-int(first.ID)))
		}
		return out
	}
	for _, tt := range []struct {
		subject string
		id      int64
		want    []string
	}{
		{service.SubjectExam, e.ID, []string{"Анна Центрова print 0", "Анна Центрова reprint 1", "Борис Центров print_download 1"}},
		{service.SubjectApplication, all[0].ID, []string{"Анна Центрова print 0"}},
		{service.SubjectApplication, all[1].ID, []string{"Анна Центрова print 0", "Анна Центрова reprint 1", "Борис Центров print_download 1"}},
		{service.SubjectApplication, all[2].ID, []string{"Анна Центрова print 1", "Борис Центров print_download 1"}},
	} {
		if diff := cmp.Diff(tt.want, life(tt.subject, tt.id)); diff != "" {
			t.Errorf("%s: %s", tt.subject, diff)
		}
	}
	list, err := p.certificates.Printable(t.Context(), p.anna, e.ID)
	if err != nil {
		t.Fatal(err)
	}
	var times []int
	for _, i := range list.Items {
		times = append(times, i.Printed)
	}
	if diff := cmp.Diff([]int{1, 3, 2}, times); diff != "" {
		t.Error(diff)
	}
}

func TestAPrintingIsWhatItWasWhenOrdered(t *testing.T) {
	t.Parallel()
	p := newPress(t)
	p.filled()
	e := p.exam(1, numbered)
	device, err := p.centers.AddPrinter(t.Context(), p.anna, p.org.ID, "HP")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.centers.MovePrinter(t.Context(), p.anna, device.ID, device.Revision, 3, -12); err != nil {
		t.Fatal(err)
	}
	made, err := p.order(p.anna, e)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.centers.Set(t.Context(), p.anna, p.org.ID, p.revision(), service.CenterSignatory, "П. П. Другов"); err != nil {
		t.Fatal(err)
	}
	if _, err := p.centers.RemovePrinter(t.Context(), p.anna, device.ID); err != nil {
		t.Fatal(err)
	}
	v, err := p.certificates.Printing(t.Context(), p.anna, made.ID)
	if err != nil {
		t.Fatal(err)
	}
	f := v.Form
	if f.Certificates[0].SignatoryName != "И. И. Мостова" || f.PrinterName != "HP" || f.RightBy != 3 || f.DownBy != -12 {
		t.Errorf("%+v", f)
	}
}

func TestATrialPageIsDrawnForTheChosenPrinter(t *testing.T) {
	t.Parallel()
	p := newPress(t)
	p.filled()
	read := func() [32]byte {
		_, doc, err := p.certificates.Trial(t.Context(), p.anna, p.org.ID)
		if err != nil {
			t.Fatal(err)
		}
		r, err := doc.Open(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(r)
		if err != nil || !bytes.HasPrefix(b, []byte("%PDF")) || int64(len(b)) != doc.Size {
			t.Fatalf("%d bytes, %v", len(b), err)
		}
		return sha256.Sum256(b)
	}
	plain := read()
	if plain != read() {
		t.Error("two pages of the same data differ")
	}
	device, err := p.centers.AddPrinter(t.Context(), p.anna, p.org.ID, "HP")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.centers.MovePrinter(t.Context(), p.anna, device.ID, device.Revision, 30, 0); err != nil {
		t.Fatal(err)
	}
	if plain == read() {
		t.Error("offsets change nothing")
	}
	if _, _, err := p.certificates.Trial(t.Context(), p.stranger, p.org.ID); service.ReasonOf(err) != service.ReasonForbidden {
		t.Errorf("a stranger: %v", err)
	}
}

func TestALargeFileIsDealtInParts(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		pages       int
		size, limit int64
		want        []int
	}{
		{10, 200, 100, []int{4, 4, 2}},
		{10, 101, 100, []int{8, 2}},
		{3, 1000, 100, []int{1, 1, 1}},
		{1, 1000, 100, []int{1}},
	} {
		var got []int
		for _, part := range service.SplitPages(make([]service.Certificate, tt.pages), tt.size, tt.limit) {
			got = append(got, len(part))
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("%d pages of %d: %v", tt.pages, tt.size, got)
		}
	}
}

func TestAPrintingThatTwoWorkersDrawIsBroughtOnce(t *testing.T) {
	t.Parallel()
	p := newPress(t)
	p.filled()
	made, err := p.order(p.anna, p.exam(5, numbered))
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			if err := p.certificates.Print(t.Context(), service.PrintCertificates{PrintingID: made.ID}); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	var told int
	err = p.store.Bun().NewRaw(`SELECT count(*) FROM notices WHERE kind = 'certificates'`).Scan(t.Context(), &told)
	if err != nil || told != 1 {
		t.Errorf("%d notices, %v", told, err)
	}
}
