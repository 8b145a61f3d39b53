package service_test

import (
	"archive/zip"
	"bytes"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"flowbot/service"
)

func TestAFileIsCalledAsOneApplicationOrAsNone(t *testing.T) {
	t.Parallel()
	exam := []service.Application{
		{ID: 1, Number: "24-118-01"},
		{ID: 2, Number: "24-118/02"},
		{ID: 3, Number: "7/1"},
		{ID: 4, Number: "7-1"},
		{ID: 5, Number: "12/1"},
		{ID: 6, Number: "А-5"},
		{ID: 7, Number: "24.118.03"},
	}
	elsewhere := []service.Application{{ID: 11, Number: "12-1"}, {ID: 12, Number: "24-119-01"}, {ID: 13, Number: "24-119/02"}, {ID: 14, Number: "9"}, {ID: 15, Number: "9"}}
	names := service.NewScanNames(exam, elsewhere)
	for file, want := range map[string]int64{
		"24-118-01.pdf":           1,
		"24-118-01.JPG":           1,
		"24-118-01":               1,
		" 24-118-01 .jpeg":        1,
		"сканы/24-118-01.pdf":     1,
		`C:\сканы\24-118-01.tiff`: 1,
		"24-118-02.png":           2, // no name of a file has a slash
		"а-5.heic":                6, // capitals do not matter
		"24.118.03.pdf":           7,
		"24.118.03":               7,
		"7-1.pdf":                 0, // 7/1 and 7-1 are both in the exam
		"12-1.pdf":                0, // 12/1 of the exam, or 12-1 of another
		"24-119-01.pdf":           12,
		"24-119-02.pdf":           0, // not to the letter
		"9.pdf":                   0, // of two exams
		"IMG_0012.jpg":            0,
		"24-118-01 (1).pdf":       0,
		"24-118-01 Каримов.pdf":   0,
		"24-118-01.docx":          0,
		"24-118-01.pdf.pdf":       0,
		"24-118-0.pdf":            0,
		".pdf":                    0,
		"":                        0,
	} {
		if got := names.Of(service.SafeName(file)); got != want {
			t.Errorf("%q is called as %d, want %d", file, got, want)
		}
	}
}

// called is a file of a test with its name.
type called struct {
	name string
	data []byte
}

// zipped packs files into an archive.
func zipped(t *testing.T, files ...called) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, c := range files {
		f, err := w.Create(c.name)
		if err == nil {
			_, err = f.Write(c.data)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// sendsCalled is sends for one file with its name.
func (d *scanDesk) sendsCalled(e *service.Exam, name string, file []byte) *service.ScanBatch {
	d.t.Helper()
	d.updates++
	ref := fmt.Sprintf("scan-%d", d.updates)
	d.chat.files[ref] = file
	b, err := d.batches.Receive(d.t.Context(), d.anna, service.ReceiveScans{
		ExamID: e.ID, UpdateID: d.updates, ChatRef: ref, Name: name, Size: int64(len(file)),
	})
	if err != nil {
		d.t.Fatal(err)
	}
	return b
}

func TestTheNameOfAFileAttachesNothing(t *testing.T) {
	t.Parallel()
	type apps = []service.Application
	tests := []struct {
		name string
		file func(d *scanDesk, list apps) (string, []byte)
		want []string // fate of each page, and as whose its file is called
	}{
		{
			"that agrees changes nothing",
			func(d *scanDesk, l apps) (string, []byte) { return l[0].Number + ".JPG", d.scanned(l[0]) },
			[]string{"matched number+name 001, called 001"},
		},
		{
			"that is another application's asks",
			func(d *scanDesk, l apps) (string, []byte) { return l[1].Number + ".jpg", d.scanned(l[0]) },
			[]string{"question name of file 001, called 002"},
		},
		{
			"that is of another exam asks",
			func(d *scanDesk, l apps) (string, []byte) {
				_, other := d.waiting(4, elsewhere)
				return other[3].Number + ".jpg", d.scanned(l[0])
			},
			[]string{"question name of file 001, called 004"},
		},
		{
			"that is another center's says nothing",
			func(d *scanDesk, l apps) (string, []byte) {
				other := d.applications(d.examOf(d.stranger.Seats[0].OrgID, 1, numbered, elsewhere))
				return other[0].Number + ".jpg", d.scanned(l[0])
			},
			[]string{"matched number+name 001, called —"},
		},
		{
			"does not answer what nobody could read",
			func(d *scanDesk, l apps) (string, []byte) { return l[1].Number + ".jpg", d.scanned(l[1], unread) },
			[]string{"question no number, called 002"},
		},
		{
			"of many pages says nothing",
			func(d *scanDesk, l apps) (string, []byte) {
				return l[1].Number + ".zip", packed(d.t, d.scanned(l[0]), d.scanned(l[2]))
			},
			[]string{"matched number+name 001, called —", "matched number+name 003, called —"},
		},
		{
			"in an archive is the entry's",
			func(d *scanDesk, l apps) (string, []byte) {
				return l[2].Number + ".zip", zipped(d.t,
					called{"сканы/" + l[0].Number + ".jpg", d.scanned(l[0])}, called{"сканы/" + l[1].Number + ".jpg", d.scanned(l[2])},
					called{"IMG_0012.jpg", d.scanned(l[1])})
			},
			[]string{"matched number+name 002, called —", "matched number+name 001, called 001", "question name of file 003, called 002"},
		},
		{
			"that two entries have says nothing",
			func(d *scanDesk, l apps) (string, []byte) {
				return "скан.zip", zipped(d.t, called{"а/" + l[1].Number + ".jpg", d.scanned(l[0])}, called{"б/" + l[1].Number + ".jpg", d.scanned(l[1])})
			},
			[]string{"matched number+name 001, called —", "matched number+name 002, called —"},
		},
		{
			"of one certificate twice is beside the point",
			func(d *scanDesk, l apps) (string, []byte) {
				return "скан.zip", zipped(d.t,
					called{"1.jpg", d.scanned(l[0], onBlank("0000000000101"))}, called{l[1].Number + ".jpg", d.scanned(l[0], onBlank("0000000000101"))})
			},
			[]string{"matched number+name 001, called —", "aside duplicate 001, called 002"},
		},
		{
			"leaves an empty page empty",
			func(d *scanDesk, l apps) (string, []byte) { return l[1].Number + ".jpg", d.scanned(l[0], empty) },
			[]string{"aside empty, called 002"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d := newScanDesk(t)
			e, list := d.waiting(3)
			name, file := tt.file(d, list)
			b := d.sendsCalled(e, name, file)
			d.work()
			pages, err := d.store.ScanPages(t.Context(), b.ID, nil, 0, 100)
			if err != nil {
				t.Fatal(err)
			}
			got := make([]string, 0, len(pages))
			for i := range pages {
				who := "—"
				if id := pages[i].NamedID; id != 0 {
					a := d.as(service.Application{ID: id})
					who = a.Number[len(a.Number)-3:]
				}
				got = append(got, d.fate(&pages[i])+", called "+who)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestAQuestionOffersWhomItsFileIsCalledAs has the application of the name first,
// unless readings support another.
func TestAQuestionOffersWhomItsFileIsCalledAs(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		change []func(*service.PageReading)
		rule   service.MatchRule
		want   []string // of the exam's four, beginning with those that are said to be likely
	}{
		{"a sure page", nil, service.PageRuleNamed, []string{"001 supported read", "004"}},
		{"a number that is nearly whole", []func(*service.PageReading){blotted}, service.MatchNoNumber, []string{"001 supported read", "004"}},
		{"what nobody could read", []func(*service.PageReading){unread}, service.MatchNoNumber, []string{"004"}},
		{"no certificate", []func(*service.PageReading){noBlank}, service.MatchNotFound, []string{"004"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d := newScanDesk(t)
			e, list := d.waiting(4)
			b := d.sendsCalled(e, list[3].Number+".jpg", d.scanned(list[0], tt.change...))
			d.work()
			asked, err := d.store.PageLines(t.Context(), b.ID, []service.PageState{service.PageQuestion}, 0, 10)
			if err != nil || len(asked) != 1 || asked[0].Rule != tt.rule {
				t.Fatalf("asked are %+v, %v", asked, err)
			}
			v, err := d.questions().Question(t.Context(), d.anna, asked[0].ID)
			if err != nil {
				t.Fatal(err)
			}
			if v.Named == nil || v.Named.ID != list[3].ID || v.NamedIn != "" {
				t.Errorf("its file is called as %+v of %q", v.Named, v.NamedIn)
			}
			var got []string
			for _, l := range v.Likely {
				line := l.Number[len(l.Number)-3:]
				if l.Supported {
					line += " supported"
				}
				if l.Read {
					line += " read"
				}
				got = append(got, line)
			}
			if diff := cmp.Diff(tt.want, got[:min(len(got), len(tt.want))]); diff != "" {
				t.Error(diff)
			}
			if _, err := d.choose(d.anna, asked[0], list[3]); service.ReasonOf(err) == "" {
				t.Error("one tap is enough for a name")
			}
		})
	}
}
