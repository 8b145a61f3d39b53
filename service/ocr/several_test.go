package ocr_test

import (
	"fmt"
	"strconv"
	"testing"

	"flowbot/service"
	"flowbot/service/ocr"
	"flowbot/service/ocr/drawn"
	"flowbot/service/ocr/ocrtest"
)

// pairOf are certificates that are to be printed on pages of two.
func pairOf(pages int, p service.BlankProfile) []drawn.Signed {
	series := ""
	if p.Series {
		series = "АБ"
	}
	var out []drawn.Signed
	for i := range 2 * pages {
		out = append(out, drawn.Signed{Series: series, BlankNumber: fmt.Sprintf("%0*d", p.Digits, 101+i), Certificate: service.Certificate{
			Application: strconv.Itoa(i + 1), Level: service.Levels[i%len(service.Levels)],
			Name: "Каримов Алишер", NameLatin: "KARIMOV ALISHER", RegistrationNumber: fmt.Sprintf("24-10-40538-%06d-1", i+1),
			Institution: "Центром тестирования «Мост»", Address: "г. Образцовск", SignatoryPosition: "Директор", SignatoryName: "О. О. Образцова",
			IssuedOn: service.NewDay(2026, 2, 5), ValidUntil: service.NewDay(2029, 2, 5),
		}})
	}
	return out
}

// TestTwoBlanksOnAPageAreSeen reads pages of two certificates, side by side and one
// above the other, under a scanner and photographed, and pages of one.
func TestTwoBlanksOnAPageAreSeen(t *testing.T) {
	t.Parallel()
	for _, code := range []string{"blank-210", "vector-200"} {
		for k, v := range []drawn.Severity{drawn.Office, drawn.Hard, drawn.Phone, drawn.Bilevel} {
			t.Run(code+" "+v.Name, func(t *testing.T) {
				t.Parallel()
				p := profile(t, code)
				c := ocrtest.Corpus(t, p, uint64(61+k), drawn.Order{Applications: 2, Letters: 1, Severity: v, Symbology: drawn.Symbologies[0]})
				r, err := ocr.NewReader(p, c.Certificates)
				if err != nil {
					t.Fatal(err)
				}
				defer func() {
					if err := r.Close(); err != nil {
						t.Error(err)
					}
				}()
				for _, one := range c.Pages {
					if got, err := r.Read(t.Context(), one.JPEG); err != nil || got.Several {
						t.Errorf("a %s page shows several: %v", one.Kind, err)
					}
				}
				for _, beside := range []bool{true, false} {
					for _, scan := range ocrtest.Pairs(t, p, uint64(1+k), v, beside, pairOf(1, p)...) {
						got, err := r.Read(t.Context(), scan.JPEG)
						if err != nil {
							t.Fatal(err)
						}
						if !got.Several || got.Located {
							t.Errorf("of two blanks, side by side %v, several are seen %v, one alone %v", beside, got.Several, got.Located)
						}
					}
				}
			})
		}
	}
}
