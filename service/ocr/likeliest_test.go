package ocr_test

import (
	"fmt"
	"slices"
	"testing"

	"flowbot/service"
	"flowbot/service/ocr"
	"flowbot/service/ocr/drawn"
	"flowbot/service/ocr/ocrtest"
)

// TestAPageWithoutItsNumberIsKnownByName reads a page against certificates of which
// none has its number, in a list in which its own stands last.
func TestAPageWithoutItsNumberIsKnownByName(t *testing.T) {
	t.Parallel()
	c := ocrtest.Corpus(t, profile(t, "blank-210"), 77, drawn.Order{Applications: 14, Severity: drawn.Clean, Symbology: drawn.Code128})
	list := slices.Clone(c.Certificates)
	for i := range list {
		list[i].Lines = slices.Clone(list[i].Lines)
		for k := range list[i].Lines {
			if l := &list[i].Lines[k]; l.Field == service.FieldRegistrationNumber {
				l.Text = fmt.Sprintf("0/%03d", i)
			}
		}
	}
	own := c.Pages[0].ApplicationID
	slices.SortStableFunc(list, func(a, _ service.PrintedCertificate) int {
		if a.ApplicationID == own {
			return 1
		}
		return -1
	})
	read := readBy(t, c.Profile, list, c.Pages[0].JPEG)
	if likely := service.LikelyApplications(list, read); len(likely) != 3 || likely[0] != own {
		t.Fatalf("likely are %v, the page is of %d", likely, own)
	}
	if i := slices.IndexFunc(read.Candidates, func(c service.CandidateReading) bool { return c.ApplicationID == own }); !read.Candidates[i].AgreesByName() {
		t.Errorf("its own name does not agree: %+v", read.Candidates[i])
	}
}

// TestAPageOfTwoPeopleNamesBoth reads a page that bears the number of one and the
// name of another.
func TestAPageOfTwoPeopleNamesBoth(t *testing.T) {
	t.Parallel()
	c := ocrtest.Corpus(t, profile(t, "blank-210"), 77, drawn.Order{Applications: 14, Severity: drawn.Clean, Symbology: drawn.Code128})
	list := slices.Clone(c.Certificates)
	own, other := 0, 13
	// As if the paper had been printed with the other's number.
	swapped := func(from, to int) service.PrintedCertificate {
		out := list[to]
		out.Lines = slices.Clone(out.Lines)
		for k := range out.Lines {
			if out.Lines[k].Field == service.FieldRegistrationNumber {
				out.Lines[k] = list[from].Of(service.FieldRegistrationNumber)[0]
			}
		}
		return out
	}
	list[own], list[other] = swapped(other, own), swapped(own, other)
	i := slices.IndexFunc(c.Pages, func(p drawn.Page) bool { return p.ApplicationID == list[own].ApplicationID })
	read := readBy(t, c.Profile, list, c.Pages[i].JPEG)
	if id, rule := service.MatchPage(list, read); id != 0 || rule != service.MatchNameDiffers {
		t.Errorf("matched %d, %s", id, rule)
	}
	for _, a := range []int{own, other} {
		if service.Supported(list, read, list[a].ApplicationID) {
			t.Errorf("%d is supported", list[a].ApplicationID)
		}
		if !slices.Contains(service.LikelyApplications(list, read), list[a].ApplicationID) {
			t.Errorf("%d is not offered: %v", list[a].ApplicationID, service.LikelyApplications(list, read))
		}
	}
}

// TestCertificatesWithoutNumbersAreComparedByName reads a page against certificates
// of which nothing is known but the names.
func TestCertificatesWithoutNumbersAreComparedByName(t *testing.T) {
	t.Parallel()
	c := ocrtest.Corpus(t, profile(t, "blank-210"), 77, drawn.Order{Applications: 14, Severity: drawn.Clean, Symbology: drawn.Code128})
	list := slices.Clone(c.Certificates)
	for i := range list {
		list[i].Lines = slices.DeleteFunc(slices.Clone(list[i].Lines), func(l service.PrintedLine) bool {
			return l.Field == service.FieldRegistrationNumber || l.Field == service.FieldIssuedOn || l.Field == service.FieldValidUntil
		})
	}
	read := readBy(t, c.Profile, list, c.Pages[0].JPEG)
	if id, rule := service.MatchPage(list, read); id != 0 || rule != service.MatchNoNumber {
		t.Errorf("matched %d, %s", id, rule)
	}
	if own := c.Pages[0].ApplicationID; !service.Supported(list, read, own) || service.LikelyApplications(list, read)[0] != own {
		t.Errorf("the page of %d is likely of %v", own, service.LikelyApplications(list, read))
	}
}

// readBy reads one page against a list.
func readBy(t *testing.T, profile service.BlankProfile, list []service.PrintedCertificate, page []byte) *service.PageReading {
	t.Helper()
	r, err := ocr.NewReader(profile, list)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	}()
	read, err := r.Read(t.Context(), page)
	if err != nil {
		t.Fatal(err)
	}
	return read
}
