package ocr_test

import (
	"bytes"
	"fmt"
	"os"
	"syscall"
	"testing"

	"flowbot/service"
	"flowbot/service/ocr"
	"flowbot/service/ocr/drawn"
	"flowbot/service/ocr/ocrtest"
	"flowbot/templates"
)

// TestMain keeps Tesseract's threads from waiting for each other. Its library reads
// the variable when it is loaded, so that this program starts once more with it.
func TestMain(m *testing.M) {
	const limit = "OMP_THREAD_LIMIT"
	if os.Getenv(limit) == "" {
		err := os.Setenv(limit, "1")
		if err == nil {
			err = syscall.Exec("/proc/self/exe", os.Args, os.Environ())
		}
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

func profile(tb testing.TB, code string) service.BlankProfile {
	tb.Helper()
	tables, err := templates.BlankProfiles()
	if err != nil {
		tb.Fatal(err)
	}
	list, err := service.BuildBlankProfiles(tables...)
	if err != nil {
		tb.Fatal(err)
	}
	for _, p := range list {
		if p.Code == code {
			return p
		}
	}
	tb.Fatalf("no profile %s", code)
	return service.BlankProfile{}
}

// TestPagesFindTheirApplications reads a few drawn pages of each severity, and false
// twins of theirs of which one digit is another, plain and under ink. The floors are
// below what was seen; a page of somebody else's must never match.
func TestPagesFindTheirApplications(t *testing.T) {
	t.Parallel()
	for k, tt := range []struct {
		severity drawn.Severity
		floor    int // of four good pages, those that must match
	}{{drawn.Clean, 4}, {drawn.Office, 3}, {drawn.Hard, 2}, {drawn.Phone, 3}} {
		t.Run(tt.severity.Name, func(t *testing.T) {
			t.Parallel()
			c := ocrtest.Corpus(t, profile(t, "blank-210"), uint64(40+k), drawn.Order{
				Applications: 4, Falsified: 2, Smudged: 2, Foreign: 1, Empty: 1, Severity: tt.severity, Symbology: drawn.Symbologies[k%len(drawn.Symbologies)],
			})
			r, err := ocr.NewReader(c.Profile, c.Certificates)
			if err != nil {
				t.Fatal(err)
			}
			defer func() {
				if err := r.Close(); err != nil {
					t.Error(err)
				}
			}()
			matched := 0
			for i := range c.Pages {
				if checkPage(t, r, c, &c.Pages[i]) {
					matched++
				}
			}
			if matched < tt.floor {
				t.Errorf("%d good pages matched, want %d", matched, tt.floor)
			}
		})
	}
}

// checkPage reads a page and reports whether a good one found its application.
func checkPage(t *testing.T, r *ocr.Reader, c *drawn.Corpus, p *drawn.Page) bool {
	t.Helper()
	got, err := r.Read(t.Context(), p.JPEG)
	if err != nil {
		t.Fatal(err)
	}
	id, rule := service.MatchPage(c.Certificates, got)
	if id != 0 && id != p.ApplicationID {
		t.Errorf("a %s page of %d matched %d by %s", p.Kind, p.ApplicationID, id, rule)
	}
	if p.Kind == "empty" && rule != service.MatchEmpty {
		t.Errorf("an empty page is %q", rule)
	}
	if got.BlankCode != "" && got.BlankCode == got.BlankDigits && got.BlankCode != p.BlankNumber {
		t.Errorf("the number of the blank is %s, want %s", got.BlankCode, p.BlankNumber)
	}
	// A photo whose camera tells how it was held is turned before it comes here.
	if isTold := bytes.Contains(p.JPEG[:64], []byte("Exif")); id != 0 && !isTold && got.Turn != (360-p.Turn)%360 {
		t.Errorf("a page that lies turned by %d is to be turned by %d", p.Turn, got.Turn)
	}
	return id != 0 && p.Kind == "good"
}
