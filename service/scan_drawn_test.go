package service_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"

	"flowbot/service"
	"flowbot/service/ocr"
	"flowbot/service/ocr/drawn"
	"flowbot/service/pdf"
)

// TestDrawnScansFindTheirApplications prints certificates, signs and scans them,
// and has the real reader read them out of a PDF: two namesakes whose numbers are
// one digit apart, one whose number is under ink, one of another exam, the first
// one once more, and an empty page.
func TestDrawnScansFindTheirApplications(t *testing.T) {
	t.Parallel()
	pool, err := ocr.NewPool(ocr.Options{Children: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := pool.Close(); err != nil {
			t.Error(err)
		}
	})
	d := newScanDeskReading(t, pool)
	e, _ := d.waiting(3, func(n int, a *service.Application) {
		a.RegistrationNumber = fmt.Sprintf("26-10-40538-%06d-1", n)
		if n < 3 {
			a.LastName, a.LastNameLatin = "Каримов", "KARIMOV"
		}
	})
	p, err := d.order(d.anna, e)
	if err != nil {
		t.Fatal(err)
	}
	var form service.CertificateForm
	if err := json.Unmarshal(p.Form, &form); err != nil {
		t.Fatal(err)
	}
	var sheets []drawn.Signed
	for i, c := range form.Certificates {
		sheets = append(sheets, drawn.Signed{Certificate: c, BlankNumber: fmt.Sprintf("00000000001%02d", i+1), Blotted: i == 2})
	}
	other := form.Certificates[0]
	other.RegistrationNumber = "26-10-40539-000001-1"
	sheets = append(sheets, drawn.Signed{Certificate: other, BlankNumber: "0000000000104"}, sheets[0])

	b := d.sends(d.anna, e, d.drawn(form.Profile, sheets))
	d.work()
	want := []string{
		"matched number+name 001", "matched number+name 002", "question no number", "question number not listed",
		"aside duplicate 001", "aside empty",
	}
	if diff := cmp.Diff(want, d.fates(b)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"001 0000000000101", "002 0000000000102"}, d.loadedOf(e)); diff != "" {
		t.Error(diff)
	}
}

// drawn scans sheets as a good office does and binds them with an empty page.
func (d *scanDesk) drawn(profile service.BlankProfile, sheets []drawn.Signed) []byte {
	d.t.Helper()
	printer, err := pdf.New()
	if err != nil {
		d.t.Fatal(err)
	}
	v := drawn.Severity{
		Name: "test", DPI: []int{300}, Best: 1, Quality: [2]int{75, 80}, Skew: drawn.Range{From: -1, To: 1}, Upside: .3,
		Noise: drawn.Range{From: 1, To: 3}, Faded: drawn.Range{From: .9, To: 1},
	}
	scans, err := drawn.Scans(d.t.Context(), printer, profile, 5, v, sheets, d.t.TempDir())
	if err != nil {
		d.t.Fatal(err)
	}
	empty, err := drawn.Empty(rand.New(rand.NewPCG(1, 1)), true)
	if err != nil {
		d.t.Fatal(err)
	}
	var file bytes.Buffer
	binder := drawn.NewBinder(&file)
	for _, s := range append(scans, drawn.Scan{JPEG: empty}) {
		if err := binder.Add(&s); err != nil {
			d.t.Fatal(err)
		}
	}
	if err := binder.Close(); err != nil {
		d.t.Fatal(err)
	}
	return file.Bytes()
}

// TestADrawnScanIsReadByHand loads drawn scans for one application each, with the
// real reader: its own, another's, and one of an exam in which nobody has a number
// yet, so that there is nothing to compare with.
func TestADrawnScanIsReadByHand(t *testing.T) {
	t.Parallel()
	pool, err := ocr.NewPool(ocr.Options{Children: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := pool.Close(); err != nil {
			t.Error(err)
		}
	})
	d := newScanDeskReading(t, pool)
	e, list := d.waiting(2)
	p, err := d.order(d.anna, e)
	if err != nil {
		t.Fatal(err)
	}
	var form service.CertificateForm
	if err := json.Unmarshal(p.Form, &form); err != nil {
		t.Fatal(err)
	}
	scan := func(n int) []byte {
		return d.drawn(form.Profile, []drawn.Signed{{Certificate: form.Certificates[n], BlankNumber: fmt.Sprintf("00000000001%02d", n+1)}})
	}
	own := d.byHand(d.anna, list[0], scan(0))
	look, err := d.scans.Look(t.Context(), d.anna, list[0].ID, service.SaidScan{Blank: service.BlankKey{Number: "0000000000101"}})
	if err != nil || !look.Supported || !look.Number || !look.Name || look.Refused != "" || look.Blank.Number != "0000000000101" {
		t.Errorf("its own looks like %+v, %v", look, err)
	}
	if _, err := d.load(list[0], own, "0000000000101"); err != nil {
		t.Error(err)
	}
	another := d.byHand(d.anna, list[0], scan(1))
	if _, err := d.load(list[0], another, "0000000000101", wordsForAll); service.ReasonOf(err) != service.ReasonScanAnothers {
		t.Errorf("another's: %v", err)
	}
	early := d.applications(d.exam(1, passed))[0]
	unlisted := d.byHand(d.anna, early, scan(1))
	if unlisted.State != service.UploadAccepted || unlisted.Evidence == nil || unlisted.LinesSHA == "" {
		t.Errorf("without a list: %+v", unlisted)
	}
}
