package ocr_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"flowbot/service"
	"flowbot/service/ocr"
	"flowbot/service/ocr/drawn"
	"flowbot/service/ocr/ocrtest"
)

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

// blankNumbers invents numbers of blanks.
func blankNumbers(r *rand.Rand, p *service.BlankProfile, n int) []string {
	out := make([]string, n)
	for i := range out {
		number := make([]byte, p.Digits)
		for k := range number {
			number[k] = byte('0' + r.IntN(10))
		}
		out[i] = string(number)
	}
	return out
}

// readBlanks scans blanks with marks, as the profile says, and reads them.
func readBlanks(t *testing.T, p service.BlankProfile, r *ocr.Reader, seed uint64, v drawn.Severity, blanks ...ocrtest.Marked) []*service.PageReading {
	t.Helper()
	var out []*service.PageReading
	for _, scan := range ocrtest.Blanks(t, p, seed, v, blanks...) {
		got, err := r.Read(t.Context(), scan.JPEG)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, got)
	}
	return out
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
			p := profile(t, "blank-210")
			seed := uint64(60 + k)
			numbers := blankNumbers(rand.New(rand.NewPCG(seed, 7)), &p, tt.pages)
			faces := []service.Face{service.FaceSans, service.FaceSerif}
			var blanks []ocrtest.Marked
			for i, number := range numbers {
				mark := drawn.Mark{Number: number, Coded: number, Code: drawn.Symbologies[i%len(drawn.Symbologies)], Face: faces[i/len(drawn.Symbologies)%len(faces)]}
				blanks = append(blanks, ocrtest.Marked{Mark: mark, Stamp: i%4 == 3})
			}
			unread := 0
			for i, got := range readBlanks(t, p, readerOf(t, p), seed, tt.severity, blanks...) {
				key, read := service.BlankNumberOf(got)
				switch {
				case !read:
					unread++
				case key.Number != numbers[i]:
					t.Errorf("a blank of %s reads %s: %+v", numbers[i], key.Number, got)
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
	p := profile(t, "blank-210")
	offs := [][2]float64{{-1.5, -2}, {2, 1.5}}
	for k, number := range blankNumbers(rand.New(rand.NewPCG(65, 7)), &p, len(offs)) {
		house := p
		house.Regions = slices.Clone(p.Regions)
		for i, r := range house.Regions {
			if r.Region == service.RegionBarCode || r.Region == service.RegionBlankNumber {
				house.Regions[i].Box.X += offs[k][0]
				house.Regions[i].Box.Y += offs[k][1]
			}
		}
		mark := drawn.Mark{Number: number, Coded: number, Code: drawn.Interleaved, Face: service.FaceSans}
		got := readBlanks(t, p, readerOf(t, house), 65, drawn.Clean, ocrtest.Marked{Mark: mark})[0]
		if key, _ := service.BlankNumberOf(got); key.Number != number {
			t.Errorf("a blank of %s, off by %v, reads %q: %+v", number, offs[k], key.Number, got)
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
			p := profile(t, "blank-210")
			seed := uint64(70 + k)
			r := rand.New(rand.NewPCG(seed, 7))
			var blanks []ocrtest.Marked
			for at := k; at < p.Digits; at += len(drawn.Symbologies) {
				number := blankNumbers(r, &p, 1)[0]
				other := []byte(number)
				other[at] = '0' + (other[at]-'0'+byte(1+r.IntN(9)))%10
				blanks = append(blanks, ocrtest.Marked{Mark: drawn.Mark{Number: number, Coded: string(other), Code: code, Face: service.FaceSans}})
			}
			for i, got := range readBlanks(t, p, readerOf(t, p), seed, drawn.Office, blanks...) {
				if key, read := service.BlankNumberOf(got); read {
					t.Errorf("a blank of %s with a bar code of %s reads %s: %+v", blanks[i].Mark.Number, blanks[i].Mark.Coded, key.Number, got)
				}
			}
		})
	}
}

// TestSeriesOfBlanksAreRead reads the series beside the number where the house has
// one. A wrong one must never come out.
func TestSeriesOfBlanksAreRead(t *testing.T) {
	t.Parallel()
	p := profile(t, "vector-200")
	series := []string{"АБ", "ВК", "ГДЕ", "77", "ЖШ"}
	numbers := blankNumbers(rand.New(rand.NewPCG(80, 7)), &p, len(series))
	var blanks []ocrtest.Marked
	for i, number := range numbers {
		mark := drawn.Mark{Series: series[i], Number: number, Coded: number, Code: drawn.Symbologies[i%len(drawn.Symbologies)], Face: service.FaceSerif}
		blanks = append(blanks, ocrtest.Marked{Mark: mark})
	}
	unread := 0
	for i, got := range readBlanks(t, p, readerOf(t, p), 80, drawn.Clean, blanks...) {
		key, read := service.BlankNumberOf(got)
		switch {
		case !read || key.Series == "":
			unread++
		case key != service.BlankKey{Series: series[i], Number: numbers[i]}:
			t.Errorf("a blank of %s %s reads %v", series[i], numbers[i], key)
		}
	}
	if unread > 2 {
		t.Errorf("%d of 5 stay unread", unread)
	}
}
