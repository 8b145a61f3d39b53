package service_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"flowbot/service"
)

// TestEntriesThatAreNoScansAreToldByName sends an archive of everything.
func TestEntriesThatAreNoScansAreToldByName(t *testing.T) {
	t.Parallel()
	d := newScanDesk(t)
	e, list := d.waiting(3)
	office := zipped(t, called{"[Content_Types].xml", []byte("<Types/>")}, called{"word/document.xml", []byte("<w:document/>")})
	b := d.sendsCalled(e, "сканы.zip", zipped(t,
		called{list[0].Number + ".jpg", d.scanned(list[0])},
		called{"пачка 1.jpg", d.scanned(list[1])}, called{"пачка 2.jpg", d.scanned(list[1], empty)}, called{"пачка 3.jpg", d.scanned(list[2])},
		called{"../../договор.docx", office}, called{"папка/внутри.zip", zipped(t, called{"1.jpg", d.scanned(list[2])})},
		called{"читай.txt", []byte("Добрый день")}, called{"резаный.jpg", d.scanned(list[2])[:100]},
	))
	d.work()
	// As if they had been a document of three pages in the archive.
	d.exec(`UPDATE scan_pages SET name = 'пачка.pdf' WHERE batch_id = ? AND name LIKE 'пачка %'`, b.ID)
	v := d.view(b)
	if v.Batch.State != service.BatchSettled || v.Found != 5 || v.Read != 5 || v.Matched != 3 || v.Aside != 2 || v.Questions != 0 || v.Entries != 3 || len(v.Refused) != 0 {
		t.Errorf("the view is %+v", v)
	}
	type place struct {
		Rule       service.MatchRule
		File, Name string
		Number, Of int
	}
	places := func(groups []service.AsideGroup) []place {
		var out []place
		for _, g := range groups {
			for _, p := range g.Pages {
				out = append(out, place{g.Rule, p.File, p.Name, p.Number, p.Of})
			}
		}
		return out
	}
	if diff := cmp.Diff([]place{
		{service.MatchEmpty, "сканы.zip", "пачка.pdf", 2, 3},
		{service.PageRuleUnreadable, "сканы.zip", "резаный.jpg", 1, 1},
	}, places(v.AsideBy)); diff != "" {
		t.Errorf("set aside are\n%s", diff)
	}
	entries := places(v.EntriesBy)
	slices.SortFunc(entries, func(a, b place) int {
		return slices.Compare([]string{string(a.Rule), a.Name}, []string{string(b.Rule), b.Name})
	})
	if diff := cmp.Diff([]place{
		{service.PageRuleNested, "сканы.zip", "внутри.zip", 1, 1},
		{service.PageRuleNotScan, "сканы.zip", "договор.docx", 1, 1},
		{service.PageRuleNotScan, "сканы.zip", "читай.txt", 1, 1},
	}, entries); diff != "" {
		t.Errorf("no pages are\n%s", diff)
	}
	sheet, err := d.batches.Sheet(t.Context(), d.boris, b.ID, 0)
	if err != nil || string(sheet) != "5" {
		t.Errorf("the picture is of %q, %v", sheet, err)
	}
	aside, err := d.questions().Pages(t.Context(), d.anna, b.ID, []service.PageState{service.PageAside}, 0, 10)
	if err != nil || aside.Count != 5 {
		t.Fatalf("the list is %+v, %v", aside, err)
	}
	for _, l := range aside.Pages {
		if l.Rule == service.MatchEmpty && (l.Place != 2 || l.Places != 3) {
			t.Errorf("the empty page is %d of %d", l.Place, l.Places)
		}
		_, err := d.questions().Undo(t.Context(), d.anna, l.ID, l.Revision)
		if isPage := !l.NoPage(); isPage == (service.ReasonOf(err) == service.ReasonQuestionNoPicture) {
			t.Errorf("%s becomes a question: %v", l.Name, err)
		}
	}
}

// TestPagesOfWhichNothingComesNeedNoPicture has more of them than stand on one.
func TestPagesOfWhichNothingComesNeedNoPicture(t *testing.T) {
	t.Parallel()
	d := newScanDesk(t)
	e, list := d.waiting(1)
	pages := make([][]byte, service.SheetPages+1)
	for i := range pages {
		pages[i] = d.scanned(list[0], empty)
	}
	pages[service.SheetPages] = d.scanned(list[0])
	b := d.sends(d.anna, e, pages...)
	d.work()
	for from, want := range map[int]string{0: "", service.SheetPages: "1"} {
		sheet, err := d.batches.Sheet(t.Context(), d.anna, b.ID, from)
		if err != nil || string(sheet) != want {
			t.Errorf("from %d the picture is of %q, %v", from, sheet, err)
		}
	}
}
