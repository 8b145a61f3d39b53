package ocr_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"flowbot/service"
	"flowbot/service/ocr"
	"flowbot/service/ocr/drawn"
)

// marked draws and scans blanks and reads them.
type marked struct {
	*testing.T
	blank  *drawn.Blank
	reader *ocr.Reader
	digits int
	random *rand.Rand
}

func newMarked(t *testing.T, code string, seed uint64) *marked {
	t.Helper()
	p := profile(t, code)
	blank, err := drawn.NewBlank(p)
	if err != nil {
		t.Fatal(err)
	}
	return &marked{t, blank, readerOf(t, p), p.Digits, rand.New(rand.NewPCG(seed, 7))}
}

// readerOf is a reader of a profile that is closed with the test.
func readerOf(t *testing.T, p service.BlankProfile) *ocr.Reader {
	t.Helper()
	r, err := ocr.NewReader(p, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	return r
}

// number invents the number of a blank.
func (m *marked) number() string {
	out := make([]byte, m.digits)
	for i := range out {
		out[i] = byte('0' + m.random.IntN(10))
	}
	return string(out)
}

// read scans a blank with a mark and reads it; false if its frame was not found.
func (m *marked) read(mark drawn.Mark, v *drawn.Severity, stamp bool) (*service.PageReading, bool) {
	m.Helper()
	sheet, err := m.blank.Marked(mark)
	if err != nil {
		m.Fatal(err)
	}
	if stamp { // its upper edge lies over some of the digits
		sheet.Stamp(m.random, 40+40*m.random.Float64(), 138)
	}
	scan, err := v.Scan(m.random, sheet)
	if err != nil {
		m.Fatal(err)
	}
	got, err := m.reader.Read(m.Context(), scan.JPEG)
	if err != nil {
		m.Fatal(err)
	}
	return got, got.Located
}

// TestNumbersOfBlanksAreRead reads blanks of all symbologies, whose digits stand in
// faces that the net of digits does not know. The floors are below what was seen; a
// wrong number must never come out.
func TestNumbersOfBlanksAreRead(t *testing.T) {
	t.Parallel()
	for k, tt := range []struct {
		severity    drawn.Severity
		pages, most int // and how many of them may stay unread
	}{{drawn.Clean, 3, 0}, {drawn.Office, 6, 1}, {drawn.Hard, 6, 2}, {drawn.Phone, 2, 1}} {
		t.Run(tt.severity.Name, func(t *testing.T) {
			t.Parallel()
			m := newMarked(t, "blank-210", uint64(60+k))
			faces := []service.Face{service.FaceSans, service.FaceSerif}
			unread := 0
			for i := range tt.pages {
				number := m.number()
				mark := drawn.Mark{Number: number, Coded: number, Code: drawn.Symbologies[i%len(drawn.Symbologies)], Face: faces[i/len(drawn.Symbologies)%2]}
				got, located := m.read(mark, &tt.severity, i%4 == 3)
				if !located {
					continue
				}
				key, read := service.BlankNumberOf(got)
				switch {
				case !read:
					unread++
				case key.Number != number:
					t.Errorf("a blank of %s reads %s: %+v", number, key.Number, got)
				}
			}
			if unread > tt.most {
				t.Errorf("%d of %d numbers stay unread, want at most %d", unread, tt.pages, tt.most)
			}
		})
	}
}

// TestNumbersOffTheirPlaceAreRead reads blanks of a house that prints bar code and
// digits two millimetres off from where the profile says.
func TestNumbersOffTheirPlaceAreRead(t *testing.T) {
	t.Parallel()
	m := newMarked(t, "blank-210", 65)
	for _, off := range [][2]float64{{-1.5, -2}, {2, 1.5}} {
		p := profile(t, "blank-210")
		p.Regions = slices.Clone(p.Regions)
		for i, r := range p.Regions {
			if r.Region == service.RegionBarCode || r.Region == service.RegionBlankNumber {
				p.Regions[i].Box.X += off[0]
				p.Regions[i].Box.Y += off[1]
			}
		}
		m.reader = readerOf(t, p)
		number := m.number()
		got, _ := m.read(drawn.Mark{Number: number, Coded: number, Code: drawn.Interleaved, Face: service.FaceSans}, &drawn.Clean, false)
		if key, _ := service.BlankNumberOf(got); key.Number != number {
			t.Errorf("a blank of %s, off by %v, reads %q: %+v", number, off, key.Number, got)
		}
	}
}

// TestBlanksThatContradictThemselvesStayUnread reads blanks whose bar code is one
// digit off from the digits below it, at each place.
func TestBlanksThatContradictThemselvesStayUnread(t *testing.T) {
	t.Parallel()
	for k, code := range drawn.Symbologies {
		t.Run(string(code), func(t *testing.T) {
			t.Parallel()
			m := newMarked(t, "blank-210", uint64(70+k))
			for at := k; at < m.digits; at += len(drawn.Symbologies) {
				number := m.number()
				other := []byte(number)
				other[at] = '0' + (other[at]-'0'+byte(1+m.random.IntN(9)))%10
				mark := drawn.Mark{Number: number, Coded: string(other), Code: code, Face: service.FaceSans}
				got, _ := m.read(mark, &drawn.Office, false)
				if key, read := service.BlankNumberOf(got); read {
					t.Errorf("a blank of %s with a bar code of %s reads %s: %+v", number, other, key.Number, got)
				}
			}
		})
	}
}

// TestSeriesOfBlanksAreRead reads the series beside the number where the house has
// one. A wrong one must never come out.
func TestSeriesOfBlanksAreRead(t *testing.T) {
	t.Parallel()
	m := newMarked(t, "vector-200", 80)
	unread := 0
	for i, series := range []string{"АБ", "ВК", "ГДЕ", "77", "ЖШ"} {
		number := m.number()
		got, _ := m.read(drawn.Mark{Series: series, Number: number, Coded: number, Code: drawn.Symbologies[i%3], Face: service.FaceSerif}, &drawn.Clean, false)
		key, read := service.BlankNumberOf(got)
		switch {
		case !read || key.Series == "":
			unread++
		case key != service.BlankKey{Series: series, Number: number}:
			t.Errorf("a blank of %s %s reads %v", series, number, key)
		}
	}
	if unread > 2 {
		t.Errorf("%d of 5 stay unread", unread)
	}
}
