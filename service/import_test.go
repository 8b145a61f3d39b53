package service_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/xuri/excelize/v2"
	"pgregory.net/rapid"

	"flowbot/service"
	"flowbot/service/sheet"
	"flowbot/templates"
)

// tab is a sheet: its name and its rows, the headers first.
type tab struct {
	name string
	rows [][]any
}

// cohortHead and learnerHead are the headers of the contract.
var (
	cohortHead  = []any{"Номер потока", "Программа", "Вид программы", "Часов", "Образовательный партнёр", "Дата начала", "Дата окончания"}
	learnerHead = []any{
		"Номер потока", "Номер заявки", "Фамилия", "Имя", "Отчество", "Дата рождения", "Завершил успешно", "Тип документа",
		"Серия бланка", "Номер бланка", "Регистрационный номер", "Дата документа", "Дата направления", "Внесено в ФИС ФРДО",
	}
)

func cohortsTab(rows ...[]any) tab { return tab{"Потоки", append([][]any{cohortHead}, rows...)} }

func learnersTab(rows ...[]any) tab {
	return tab{"Слушатели", append([][]any{learnerHead}, rows...)}
}

// workbook writes sheets to a file whose name says nothing.
func workbook(tb testing.TB, sheets ...tab) string {
	tb.Helper()
	f := excelize.NewFile()
	defer f.Close()
	for i, sh := range sheets {
		if i == 0 {
			if err := f.SetSheetName("Sheet1", sh.name); err != nil {
				tb.Fatal(err)
			}
		} else if _, err := f.NewSheet(sh.name); err != nil {
			tb.Fatal(err)
		}
		for j, row := range sh.rows {
			if err := f.SetSheetRow(sh.name, fmt.Sprint("A", j+1), &row); err != nil {
				tb.Fatal(err)
			}
		}
	}
	b, err := f.WriteToBuffer()
	if err != nil {
		tb.Fatal(err)
	}
	return upload(tb, b.Bytes())
}

func upload(tb testing.TB, content []byte) string {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), "upload.bin")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		tb.Fatal(err)
	}
	return path
}

func cohortCells(number string) []any {
	return []any{number, "Русский язык", "повышение квалификации", 72, "Учебный центр «Друг»", "02.02.2026", "27.02.2026"}
}

func learnerCells(cohort, number string) []any {
	return []any{
		cohort, number, "Иванов", "Иван", "Иванович", "01.02.1990", "Да", 1,
		"АБ", "000123", "р-1", "27.02.2026", "", "Нет",
	}
}

// with is the row with one cell changed.
func with(row []any, column int, value any) []any {
	out := slices.Clone(row)
	out[column] = value
	return out
}

// desk of imports.
func newImports(d *desk) *service.Imports { return d.imports() }

func (h *house) imports() *service.Imports {
	return service.NewImports(h.store, sheet.Book{}, importKnown(h.t), h.now)
}

// importKnown is what imports know beside the database.
func importKnown(tb testing.TB) service.ImportKnown {
	tb.Helper()
	var out service.ImportKnown
	countries, err := templates.Countries("ru")
	if err != nil {
		tb.Fatal(err)
	}
	for _, c := range countries {
		out.Countries = append(out.Countries, service.Country(c))
	}
	profiles, err := templates.BlankProfiles()
	if err != nil {
		tb.Fatal(err)
	}
	if out.Profiles, err = service.BuildBlankProfiles(profiles...); err != nil {
		tb.Fatal(err)
	}
	return out
}

func (h *house) load(by service.Actor, path string) service.ImportReport {
	h.t.Helper()
	r, err := h.imports().Import(h.t.Context(), by, path, false)
	if err != nil {
		h.t.Fatal(err)
	}
	return r
}

// bads are the bad cells of a report as sheet, row, column and reason.
func bads(r service.ImportReport) []string {
	var out []string
	for _, b := range r.Bad {
		out = append(out, fmt.Sprintf("%s %d %s: %s", b.Sheet, b.Row, b.Column, b.Reason))
	}
	return out
}

// counts are the numbers of a report: new, changed, unchanged, bad.
func counts(r service.ImportReport) map[string][4]int {
	out := map[string][4]int{}
	for _, s := range r.Sheets {
		out[s.Name] = [4]int{s.New, s.Changed, s.Unchanged, s.Bad}
	}
	return out
}

func (d *desk) allCohorts() []service.Cohort {
	d.t.Helper()
	var out []service.Cohort
	if err := d.store.Bun().NewSelect().Model(&out).Order("number").Scan(d.t.Context()); err != nil {
		d.t.Fatal(err)
	}
	return out
}

func (d *desk) allLearners() []service.Learner {
	d.t.Helper()
	var out []service.Learner
	if err := d.store.Bun().NewSelect().Model(&out).Order("number").Scan(d.t.Context()); err != nil {
		d.t.Fatal(err)
	}
	return out
}

func TestImportLoadsCohortsAndLearners(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	path := workbook(t,
		cohortsTab(cohortCells("118")),
		learnersTab(
			learnerCells("118", "118-1"),
			[]any{
				"118", "118-2", "Ёлкина", "Анна", "", time.Date(1985, time.May, 9, 0, 0, 0, 0, time.UTC), "нет",
				"свидетельство о ДОЛЖНОСТИ служащего", "", 456, "", time.Date(2026, time.February, 28, 0, 0, 0, 0, time.UTC), "01.03.2026", "да",
			},
		))
	imports := newImports(d)
	dry, err := imports.Import(t.Context(), d.reviewer, path, true)
	if err != nil {
		t.Fatal(err)
	}
	if !dry.DryRun || len(d.allCohorts()) != 0 {
		t.Fatal("a dry run wrote something")
	}
	r := d.load(d.reviewer, path)
	want := map[string][4]int{"Потоки": {1, 0, 0, 0}, "Слушатели": {2, 0, 0, 0}}
	if diff := cmp.Diff(want, counts(r)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(want, counts(dry)); diff != "" {
		t.Errorf("the dry run told something else: %s", diff)
	}
	cohorts, learners := d.allCohorts(), d.allLearners()
	times := cmpopts.IgnoreTypes(time.Time{})
	wantCohorts := []service.Cohort{{
		ID: cohorts[0].ID, Number: "118", PartnerID: d.partner.ID, Program: "Русский язык", ProgramKind: "повышение квалификации",
		Hours: 72, StartOn: day(t, "2026-02-02"), EndOn: day(t, "2026-02-27"), Revision: 1,
	}}
	if diff := cmp.Diff(wantCohorts, cohorts, times); diff != "" {
		t.Error(diff)
	}
	wantLearners := []service.Learner{
		{
			ID: learners[0].ID, CohortID: cohorts[0].ID, Number: "118-1", LastName: "Иванов", FirstName: "Иван", MiddleName: "Иванович",
			BornOn: day(t, "1990-02-01"), Finished: true, DocumentType: service.DocumentQualification, DocumentSeries: "АБ",
			DocumentNumber: "000123", RegistrationNumber: "р-1", DocumentOn: day(t, "2026-02-27"), Revision: 1,
		},
		{
			ID: learners[1].ID, CohortID: cohorts[0].ID, Number: "118-2", LastName: "Ёлкина", FirstName: "Анна",
			BornOn: day(t, "1985-05-09"), DocumentType: service.DocumentClerk, DocumentNumber: "456",
			DocumentOn: day(t, "2026-02-28"), SentOn: day(t, "2026-03-01"), InFRDO: true, Revision: 1,
		},
	}
	if diff := cmp.Diff(wantLearners, learners, times); diff != "" {
		t.Error(diff)
	}
	history, err := d.store.HistoryOf(t.Context(), service.SubjectCohort, cohorts[0].ID, 10)
	if err != nil {
		t.Fatal(err)
	}
	if len(history) != 1 || history[0].Event != service.CohortCreated || history[0].PersonID != d.reviewer.PersonID {
		t.Errorf("history is %+v", history)
	}

	again := d.load(d.reviewer, path)
	if diff := cmp.Diff(map[string][4]int{"Потоки": {0, 0, 1, 0}, "Слушатели": {0, 0, 2, 0}}, counts(again)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(cohorts, d.allCohorts()); diff != "" {
		t.Errorf("the same file again changed cohorts: %s", diff)
	}
	if diff := cmp.Diff(learners, d.allLearners()); diff != "" {
		t.Errorf("the same file again changed learners: %s", diff)
	}
}

func TestImportChangesWhatDiffersAndKeepsWhatTheFileLacks(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.load(service.CommandLine, workbook(t, cohortsTab(cohortCells("118"), cohortCells("119")),
		learnersTab(learnerCells("118", "1"), learnerCells("118", "2"), learnerCells("118", "3"))))
	before := d.allLearners()
	r := d.load(service.CommandLine, workbook(t,
		tab{"Потоки", [][]any{
			{"Дата окончания", "Номер потока", "ПРОГРАММА ", "Образовательный партнер", "Дата начала", "Примечание"},
			{"28.02.2026", "118", "Русский язык", "Учебный центр «Друг»", "02.02.2026", "продлён"},
		}},
		tab{"слушатели", [][]any{
			{"Имя", "Фамилия", "Номер заявки", "Номер потока"},
			{"Пётр", "Иванов", "1", "119"},
			{"Иван", "Иванов", "2", "118"},
		}},
		tab{"Черновик", [][]any{{"что-то"}}}))
	if diff := cmp.Diff(map[string][4]int{"Потоки": {0, 1, 0, 0}, "Слушатели": {0, 1, 1, 0}}, counts(r)); diff != "" {
		t.Fatal(diff)
	}
	if diff := cmp.Diff([]string{"Примечание"}, r.Sheets[0].IgnoredColumns); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"Черновик"}, r.IgnoredSheets); diff != "" {
		t.Error(diff)
	}
	cohorts, after := d.allCohorts(), d.allLearners()
	if c := cohorts[0]; c.EndOn != day(t, "2026-02-28") || c.Hours != 72 || c.Revision != 2 {
		t.Errorf("cohort 118 is %+v", c)
	}
	if c := cohorts[1]; c.Revision != 2 {
		t.Errorf("a learner came to cohort 119, its revision is %d", c.Revision)
	}
	want := before[0]
	want.FirstName, want.CohortID, want.Revision, want.UpdatedAt = "Пётр", cohorts[1].ID, 2, after[0].UpdatedAt
	if diff := cmp.Diff(want, after[0]); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(before[1:], after[1:]); diff != "" {
		t.Errorf("others changed: %s", diff)
	}
	for id, want := range map[int64][]string{
		cohorts[0].ID: {"create ", "change Дата окончания", "import_learners "},
		cohorts[1].ID: {"create ", "import_learners "},
	} {
		history, err := d.store.HistoryOf(t.Context(), service.SubjectCohort, id, 10)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, h := range history {
			got = append(got, h.Event+" "+h.Comment)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	}
}

func TestImportPutsLearnersIntoTheNewCohortsOfTheFile(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.load(service.CommandLine, workbook(t,
		cohortsTab(cohortCells("3"), cohortCells("1"), cohortCells("2")),
		learnersTab(learnerCells("1", "1"), learnerCells("2", "2"), learnerCells("3", "3"))))
	number := map[int64]string{}
	for _, c := range d.allCohorts() {
		number[c.ID] = c.Number
	}
	for _, l := range d.allLearners() {
		if number[l.CohortID] != l.Number {
			t.Errorf("learner %s came to cohort %s", l.Number, number[l.CohortID])
		}
	}
}

func TestImportNamesEveryBadCellAndChangesNothing(t *testing.T) {
	t.Parallel()
	good := learnerCells("118", "118-1")
	tests := []struct {
		name string
		tabs []tab
		want []string
	}{
		{"columns that are missing", []tab{
			{"Потоки", [][]any{{"Номер потока", "Программа", "Часов"}, {"118", "х", 1}}},
			{"Слушатели", [][]any{{"Номер потока", "Фамилия", "Имя"}, {"118", "х", "у"}}},
		}, []string{
			"Потоки 1 Образовательный партнёр: import.column_missing", "Потоки 1 Дата начала: import.column_missing",
			"Потоки 1 Дата окончания: import.column_missing", "Слушатели 1 Номер заявки: import.column_missing",
		}},
		{"a column that stands twice", []tab{{"Слушатели", [][]any{append(slices.Clone(learnerHead), "имя"), good}}}, []string{
			"Слушатели 1 Имя: import.column_twice",
		}},
		{"no headers at all", []tab{{"Потоки", [][]any{{}, cohortCells("118")}}}, []string{
			"Потоки 1 Номер потока: import.column_missing", "Потоки 1 Программа: import.column_missing",
			"Потоки 1 Образовательный партнёр: import.column_missing", "Потоки 1 Дата начала: import.column_missing",
			"Потоки 1 Дата окончания: import.column_missing",
		}},
		{"cells that must not be empty", []tab{cohortsTab(with(with(cohortCells("118"), 0, " "), 6, ""))}, []string{
			"Потоки 2 Номер потока: import.required", "Потоки 2 Дата окончания: import.required",
		}},
		{"the end before the start", []tab{cohortsTab(with(cohortCells("118"), 6, "01.02.2026"))}, []string{
			"Потоки 2 Дата окончания: import.end_before",
		}},
		{"days that are none", []tab{cohortsTab(
			with(cohortCells("1"), 5, "31.02.2026"), with(cohortCells("2"), 5, "02/28/2026"), with(cohortCells("3"), 5, "2026"), with(cohortCells("4"), 5, 1e9),
		)}, []string{
			"Потоки 2 Дата начала: import.no_day", "Потоки 3 Дата начала: import.no_day",
			"Потоки 4 Дата начала: import.far_day", "Потоки 5 Дата начала: import.no_day",
		}},
		{"hours that are none", []tab{cohortsTab(with(cohortCells("1"), 3, -1), with(cohortCells("2"), 3, 72.5), with(cohortCells("3"), 3, "много"))}, []string{
			"Потоки 2 Часов: import.no_number", "Потоки 3 Часов: import.no_number", "Потоки 4 Часов: import.no_number",
		}},
		{"a partner that is not known", []tab{cohortsTab(with(cohortCells("118"), 4, "Учебный центр"))}, []string{
			"Потоки 2 Образовательный партнёр: import.no_partner",
		}},
		{"the operator is no partner", []tab{cohortsTab(with(cohortCells("118"), 4, "Федеральный оператор"))}, []string{
			"Потоки 2 Образовательный партнёр: import.no_partner",
		}},
		{"numbers that stand twice", []tab{
			cohortsTab(cohortCells("118"), cohortCells("118")), learnersTab(good, learnerCells("118", "118-2"), good),
		}, []string{"Потоки 3 Номер потока: import.repeated", "Слушатели 4 Номер заявки: import.repeated"}},
		{"a cohort that is not there", []tab{learnersTab(learnerCells("404", "1"))}, []string{
			"Слушатели 2 Номер потока: import.no_cohort",
		}},
		{"a learner of a bad cohort is not bad", []tab{cohortsTab(with(cohortCells("118"), 3, "?")), learnersTab(good)}, []string{
			"Потоки 2 Часов: import.no_number",
		}},
		{"words that are not known", []tab{cohortsTab(cohortCells("118")), learnersTab(
			with(good, 6, "наверное"), with(learnerCells("118", "2"), 7, 8), with(learnerCells("118", "3"), 7, "диплом"), with(learnerCells("118", "4"), 13, "-"),
		)}, []string{
			"Слушатели 2 Завершил успешно: import.no_yes_no", "Слушатели 3 Тип документа: import.no_document",
			"Слушатели 4 Тип документа: import.no_document", "Слушатели 5 Внесено в ФИС ФРДО: import.no_yes_no",
		}},
		{"a text too long, a formula that failed, a number that lost digits", []tab{cohortsTab(cohortCells("118")), learnersTab(
			with(good, 2, strings.Repeat("Ж", 101)), with(learnerCells("118", "2"), 9, "#REF!"), with(learnerCells("118", "3"), 10, "1.2345678901234E+19"),
		)}, []string{
			"Слушатели 2 Фамилия: import.too_long", "Слушатели 3 Номер бланка: import.formula_error", "Слушатели 4 Регистрационный номер: import.rounded",
		}},
		{"born after the day of the document", []tab{cohortsTab(cohortCells("118")), learnersTab(with(good, 5, "28.02.2026"))}, []string{
			"Слушатели 2 Дата рождения: import.born_late",
		}},
		{"all that is wrong with a row at once", []tab{
			cohortsTab(with(with(cohortCells("118"), 4, "Никто"), 6, "01.01.2020")), learnersTab(with(learnerCells("404", "1"), 5, "x")),
		}, []string{
			"Потоки 2 Дата окончания: import.end_before", "Потоки 2 Образовательный партнёр: import.no_partner",
			"Слушатели 2 Дата рождения: import.no_day", "Слушатели 2 Номер потока: import.no_cohort",
		}},
		{"several bad cells of one row", []tab{cohortsTab(cohortCells("118")), learnersTab(with(with(good, 5, "x"), 3, ""))}, []string{
			"Слушатели 2 Имя: import.required", "Слушатели 2 Дата рождения: import.no_day",
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d := newDesk(t)
			r := d.load(service.CommandLine, workbook(t, tt.tabs...))
			if diff := cmp.Diff(tt.want, bads(r)); diff != "" {
				t.Error(diff)
			}
			if !r.Refused() || len(d.allCohorts())+len(d.allLearners()) > 0 {
				t.Error("a file with bad rows was loaded")
			}
			rows := map[string]bool{}
			for _, b := range r.Bad {
				rows[fmt.Sprint(b.Sheet, b.Row)] = true
			}
			n := 0
			for _, s := range r.Sheets {
				n += s.Bad
			}
			if n != len(rows) {
				t.Errorf("%d bad rows counted, there are %d", n, len(rows))
			}
		})
	}
}

func TestImportDoesNotChangeWhatStandsInAnAct(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.load(service.CommandLine, workbook(t, cohortsTab(cohortCells("118"), cohortCells("119")),
		learnersTab(learnerCells("118", "1"), learnerCells("118", "2"))))
	cohort := d.allCohorts()[0]
	act := d.generate(&cohort, d.allLearners()[0].ID)

	r := d.load(service.CommandLine, workbook(t,
		cohortsTab(with(with(cohortCells("118"), 1, "Другая"), 3, 36)),
		learnersTab(
			with(with(learnerCells("119", "1"), 2, "Петров"), 13, "Да"), // in the act
			with(learnerCells("118", "2"), 2, "Петров"),
		)))
	want := []string{
		"Потоки 2 Программа: import.cohort_in_act", "Потоки 2 Часов: import.cohort_in_act",
		"Слушатели 2 Номер потока: import.learner_in_act", "Слушатели 2 Фамилия: import.learner_in_act",
		"Слушатели 2 Внесено в ФИС ФРДО: import.learner_in_act",
	}
	if diff := cmp.Diff(want, bads(r)); diff != "" {
		t.Error(diff)
	}

	// A date of birth does not stand in an act.
	r = d.load(service.CommandLine, workbook(t, learnersTab(with(learnerCells("118", "1"), 5, "02.02.1990"))))
	if r.Refused() || r.Sheets[0].Changed != 1 {
		t.Errorf("%v, %v", counts(r), bads(r))
	}
	if got := d.allLearners()[0]; got.ActID != act.ID || got.BornOn != day(t, "1990-02-02") {
		t.Errorf("learner 1 is %+v", got)
	}

	// Once the act is cancelled nothing stands in it, but it stays the partner's.
	if _, err := d.acts.Cancel(t.Context(), d.rep, act.ID, act.Revision, "ошибка"); err != nil {
		t.Fatal(err)
	}
	r = d.load(service.CommandLine, workbook(t, cohortsTab(with(cohortCells("118"), 3, 36)),
		learnersTab(with(learnerCells("119", "1"), 2, "Петров"))))
	if r.Refused() {
		t.Errorf("%v", bads(r))
	}
	r = d.load(service.CommandLine, workbook(t, cohortsTab(with(cohortCells("118"), 4, "Другой партнёр"))))
	if diff := cmp.Diff([]string{"Потоки 2 Образовательный партнёр: import.partner_fixed"}, bads(r)); diff != "" {
		t.Error(diff)
	}
}

func TestImportFindsPartnersByINN(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	if _, err := d.AddOrg(t.Context(), service.CommandLine, service.NewOrg{Kind: service.OrgPartner, Name: "С номером", INN: "7701234567"}); err != nil {
		t.Fatal(err)
	}
	byINN := workbook(t, cohortsTab(with(cohortCells("118"), 4, "7701234567")))
	if r := d.load(service.CommandLine, byINN); r.Sheets[0].New != 1 {
		t.Errorf("%v", bads(r))
	}
	byName := workbook(t, cohortsTab(with(cohortCells("118"), 4, "С номером")))
	if r := d.load(service.CommandLine, byName); r.Sheets[0].Unchanged != 1 {
		t.Errorf("%v, %v", counts(r), bads(r))
	}
}

func TestImportIsForThoseWhoMay(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.load(d.reviewer, workbook(t, cohortsTab(cohortCells("118"), with(cohortCells("200"), 4, "Другой партнёр")),
		learnersTab(learnerCells("118", "1"), learnerCells("200", "2"))))
	candidate := d.hire(service.Seat{Role: service.RoleCenterStaff, OrgID: d.center(t)}, "Центр")
	year := upload(t, []byte(service.StatutoryYear(2028).Text()))
	tests := []struct {
		name   string
		by     service.Actor
		path   string
		reason service.Reason // of the whole file
		want   []string       // bad cells
	}{
		{"a partner's learners from its representative", d.rep, workbook(t, learnersTab(learnerCells("118", "3"))), "", nil},
		{"an empty sheet of cohorts beside them", d.rep, workbook(t, cohortsTab(), learnersTab(learnerCells("118", "4"))), "", nil},
		{"cohorts from a partner's representative", d.rep, workbook(t, cohortsTab(cohortCells("118"))), "", []string{"Потоки 2 : import.forbidden"}},
		{"learners of a foreign cohort", d.rep, workbook(t, learnersTab(learnerCells("200", "5"))), "", []string{"Слушатели 2 Номер потока: import.no_cohort"}},
		{"learners of no cohort get the same answer", d.rep, workbook(t, learnersTab(learnerCells("201", "5"))), "", []string{"Слушатели 2 Номер потока: import.no_cohort"}},
		{"a foreign learner into an own cohort", d.rep, workbook(t, learnersTab(learnerCells("118", "2"))), "", []string{"Слушатели 2 Номер заявки: import.number_taken"}},
		{"a sheet of cohorts opens no foreign cohort", d.rep, workbook(t, cohortsTab(cohortCells("200")), learnersTab(learnerCells("200", "5"))), "", []string{
			"Потоки 2 : import.forbidden", "Слушатели 2 Номер потока: import.no_cohort",
		}},
		{"a sheet of cohorts makes no new one either", d.rep, workbook(t, cohortsTab(cohortCells("201")), learnersTab(learnerCells("201", "5"))), "", []string{
			"Потоки 2 : import.forbidden", "Слушатели 2 Номер потока: import.no_cohort",
		}},
		{"a calendar from the operator", d.reviewer, year, "", []string{"Календарь 1 : import.forbidden"}},
		{"a calendar from the command line", service.CommandLine, year, "", nil},
		{"a center's employee", candidate, workbook(t, learnersTab(learnerCells("118", "5"))), "", []string{"Слушатели 2 : import.forbidden"}},
		{"nobody", service.Actor{}, workbook(t, learnersTab(learnerCells("118", "5"))), service.ReasonForbidden, nil},
		{"a person who says to be an admin", service.Actor{PersonID: d.rep.PersonID, Seats: []service.Seat{{Role: service.RoleAdmin}}}, workbook(t, cohortsTab(cohortCells("119"))), "", []string{"Потоки 2 : import.forbidden"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r, err := newImports(d).Import(t.Context(), tt.by, tt.path, false)
			if got := service.ReasonOf(err); got != tt.reason {
				t.Fatalf("refused for %q, want %q", got, tt.reason)
			}
			if diff := cmp.Diff(tt.want, bads(r)); diff != "" {
				t.Error(diff)
			}
			if !r.Refused() {
				return
			}
			for name, n := range counts(r) {
				if n[0]+n[1]+n[2] > 0 {
					t.Errorf("%s tells of %v rows", name, n)
				}
			}
		})
	}
}

// center adds a center and returns its id.
func (d *desk) center(t *testing.T) int64 {
	t.Helper()
	o, err := d.AddOrg(t.Context(), service.CommandLine, service.NewOrg{Kind: service.OrgCenter, Name: "Центр"})
	if err != nil {
		t.Fatal(err)
	}
	return o.ID
}

func TestImportTakesTextTablesAndSheetsOfAnyName(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	r := d.load(service.CommandLine, upload(t, []byte("Номер потока;Программа;Образовательный партнёр;Дата начала;Дата окончания\n118;Язык;Учебный центр «Друг»;02.02.2026;27.02.2026\n")))
	if diff := cmp.Diff(map[string][4]int{"Потоки": {1, 0, 0, 0}}, counts(r)); diff != "" {
		t.Error(diff)
	}
	learners := learnersTab(learnerCells("118", "1"))
	learners.name = "Лист1"
	r = d.load(service.CommandLine, workbook(t, learners))
	if diff := cmp.Diff(map[string][4]int{"Слушатели": {1, 0, 0, 0}}, counts(r)); diff != "" {
		t.Error(diff)
	}
	// What looks like our sheets does not take their place, nor does what lacks
	// their columns.
	almost := tab{"Кандидаты", [][]any{{"Номер заявки", "Фамилия", "Имя", "Дата рождения"}, {"1", "х", "у", "z"}}}
	copied := learnersTab(learnerCells("404", "1"))
	copied.name = "Копия"
	r = d.load(service.CommandLine, workbook(t, almost, copied, learnersTab(learnerCells("118", "1"))))
	if diff := cmp.Diff(map[string][4]int{"Слушатели": {0, 0, 1, 0}}, counts(r)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"Кандидаты", "Копия"}, r.IgnoredSheets); diff != "" {
		t.Error(diff)
	}
	for name, want := range map[string]service.Reason{
		"имя;возраст\nИван;5\n": service.ReasonSheetUnknown,
		"\n\n":                  service.ReasonSheetEmpty,
	} {
		_, err := newImports(d).Import(t.Context(), service.CommandLine, upload(t, []byte(name)), false)
		if got := service.ReasonOf(err); got != want {
			t.Errorf("%q is refused for %q, want %q", name, got, want)
		}
	}
}

func TestImportedYearStandsInPlaceOfTheBuiltIn(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	calendars := service.NewCalendars(d.store, russianCalendar(t))
	moved := service.StatutoryYear(2027)
	moved.Provisional, moved.Source = false, "постановление"
	moved.Holidays = append(moved.Holidays, day(t, "2027-12-31"))
	text := moved.Text()

	working := func() bool {
		t.Helper()
		c, err := calendars.Current(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return c.IsWorking(day(t, "2027-12-31"))
	}
	if !working() {
		t.Error("31.12.2027 is a day off before anything was imported")
	}
	r := d.load(d.rep, upload(t, []byte(text)))
	if diff := cmp.Diff([]string{"Календарь 1 : import.forbidden"}, bads(r)); diff != "" {
		t.Errorf("a partner imports a year: %s", diff)
	}
	for _, want := range [][4]int{{1, 0, 0, 0}, {0, 0, 1, 0}} {
		r := d.load(service.CommandLine, upload(t, []byte(text)))
		if diff := cmp.Diff(map[string][4]int{"Календарь": want}, counts(r)); diff != "" {
			t.Error(diff)
		}
	}
	if working() {
		t.Error("31.12.2027 is worked after the import")
	}
	d.load(service.CommandLine, upload(t, []byte(service.StatutoryYear(2027).Text())))
	if !working() {
		t.Error("31.12.2027 is a day off after the second import")
	}

	sheets := tab{"Календарь", [][]any{{"год", 2028}, {time.Date(2028, time.January, 8, 0, 0, 0, 0, time.UTC), "выходной"}}}
	r = d.load(service.CommandLine, workbook(t, sheets))
	if diff := cmp.Diff([]string{"Календарь 2 : calendar.plain_day"}, bads(r)); diff != "" {
		t.Error(diff)
	}
}

func TestRefusedFileComesBackWithItsErrors(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	path := workbook(t, cohortsTab(cohortCells("118")), learnersTab(
		learnerCells("118", "1"), with(with(learnerCells("118", "2"), 5, "x"), 3, "")))
	r := d.load(service.CommandLine, path)
	if err := r.Word(func(reason service.Reason, _ any) (string, error) { return "(" + string(reason) + ")", nil }); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := newImports(d).Marked(t.Context(), path, &r, &out); err != nil {
		t.Fatal(err)
	}
	f, err := excelize.OpenReader(&out)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := f.GetRows("Слушатели")
	if err != nil {
		t.Fatal(err)
	}
	last := len(learnerHead)
	if rows[0][last] != "Ошибка" || len(rows[1]) > last || rows[2][last] != "Имя: (import.required)\nДата рождения: (import.no_day)" {
		t.Errorf("the sheet says %q", rows)
	}

	sentinel := errors.New("no words")
	if err := r.Word(func(service.Reason, any) (string, error) { return "", sentinel }); !errors.Is(err, sentinel) {
		t.Errorf("an error of the words is %v", err)
	}
}

func TestBlankWorkbookIsImportedAsNothing(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	hints, err := templates.SheetHints("ru")
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := newImports(d).Blank(t.Context(), "cohorts", hints, &out); err != nil {
		t.Fatal(err)
	}
	f, err := excelize.OpenReader(bytes.NewReader(out.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for name, head := range map[string][]any{"Потоки": cohortHead, "Слушатели": learnerHead} {
		hinted, err := f.GetDataValidations(name)
		if err != nil || len(hinted) != len(head) || len(hints[name]) != len(head) {
			t.Errorf("%s has %d hints of %d for %d columns, %v", name, len(hinted), len(hints[name]), len(head), err)
		}
		rows, err := f.GetRows(name)
		if err != nil {
			t.Fatal(err)
		}
		for i, title := range head {
			if rows[0][i] != title {
				t.Errorf("column %d of %s is %q, want %q", i+1, name, rows[0][i], title)
			}
		}
	}
	r := d.load(service.CommandLine, upload(t, out.Bytes()))
	if diff := cmp.Diff(map[string][4]int{"Потоки": {}, "Слушатели": {}}, counts(r)); diff != "" {
		t.Error(diff)
	}
	if len(r.IgnoredSheets) > 0 || r.Refused() {
		t.Errorf("%v, %v", r.IgnoredSheets, bads(r))
	}
	err = newImports(d).Blank(t.Context(), "horses", nil, &out)
	if diff := cmp.Diff(service.SheetNames{Known: []string{"centers", "cohorts", "exams", "results", "frdo-response"}}, service.AsError(err).Data); diff != "" {
		t.Error(diff)
	}
}

func TestOneFileImportedTwiceAtOnceIsLoadedOnce(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	path := workbook(t, cohortsTab(cohortCells("118")), learnersTab(learnerCells("118", "1"), learnerCells("118", "2")))
	const at = 4
	reports := make(chan service.ImportReport, at)
	for range at {
		go func() {
			r, err := newImports(d).Import(t.Context(), d.reviewer, path, false)
			if err != nil {
				t.Error(err)
			}
			reports <- r
		}()
	}
	total := map[string][4]int{}
	for range at {
		for name, n := range counts(<-reports) {
			sum := total[name]
			for i := range sum {
				sum[i] += n[i]
			}
			total[name] = sum
		}
	}
	want := map[string][4]int{"Потоки": {1, 0, at - 1, 0}, "Слушатели": {2, 0, 2 * (at - 1), 0}}
	if diff := cmp.Diff(want, total); diff != "" {
		t.Error(diff)
	}
}

func TestRevisionCountsWhenLearnersOfACohortChange(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	c := d.cohort(1)
	d.load(d.rep, workbook(t, learnersTab(learnerCells(c.Number, "new"))))
	// Whoever looked at the list of one learner is told that there are two.
	_, err := d.acts.Generate(t.Context(), d.rep, service.GenerateInput{CohortID: c.ID, Revision: c.Revision})
	if e := service.AsError(err); e.Kind != service.Conflict {
		t.Fatalf("an act of a list that has changed: %v", err)
	} else if moved, ok := e.Data.(service.Moved); !ok || moved.Event != service.CohortLearnersImported || moved.By != d.rep.Name {
		t.Errorf("what happened is %+v", e.Data)
	}
}

func TestImportsInAnyOrderLeaveWhatTheLastOnesSaid(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.load(service.CommandLine, workbook(t, cohortsTab(cohortCells("1"), cohortCells("2"))))
	type pupil struct{ Cohort, Last, Finished, Kind, Born string }
	model := map[string]pupil{}
	dir := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		one := func(name string, of ...string) string { return rapid.SampledFrom(of).Draw(t, name) }
		numbers := rapid.SliceOfNDistinct(rapid.IntRange(1, 9), 1, 6, rapid.ID).Draw(t, "numbers")
		var b strings.Builder
		b.WriteString("Номер заявки;Номер потока;Фамилия;Имя;Завершил успешно;Тип документа;Дата рождения\n")
		var want [4]int
		for _, n := range numbers {
			number := strconv.Itoa(n)
			p := pupil{
				one("cohort", "1", "2"), one("last", "Иванов", "=1+1", "O'Нил \\"), one("finished", "Да", "Нет"),
				one("kind", "", "1", "7"), one("born", "", "01.02.1990"),
			}
			fmt.Fprintf(&b, "%s;%s;%s;Имя;%s;%s;%s\n", number, p.Cohort, p.Last, p.Finished, p.Kind, p.Born)
			was, known := model[number]
			switch {
			case !known:
				want[0]++
			case was != p:
				want[1]++
			default:
				want[2]++
			}
			model[number] = p
		}
		path := filepath.Join(dir, "table")
		if err := os.WriteFile(path, []byte(b.String()), 0o600); err != nil {
			t.Fatal(err)
		}
		for _, want := range [][4]int{want, {0, 0, len(numbers), 0}} {
			r, err := newImports(d).Import(d.t.Context(), service.CommandLine, path, false)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(map[string][4]int{"Слушатели": want}, counts(r)); diff != "" {
				t.Fatal(diff)
			}
		}
		cohorts := map[int64]string{}
		for _, c := range d.allCohorts() {
			cohorts[c.ID] = c.Number
		}
		got := map[string]pupil{}
		for _, l := range d.allLearners() {
			p := pupil{cohorts[l.CohortID], l.LastName, "Нет", "", l.BornOn.Russian()}
			if l.Finished {
				p.Finished = "Да"
			}
			if l.DocumentType != service.DocumentNone {
				p.Kind = strconv.Itoa(int(l.DocumentType))
			}
			got[l.Number] = p
		}
		if diff := cmp.Diff(model, got); diff != "" {
			t.Fatal(diff)
		}
	})
}

func TestImportOfTwentyThousandLearnersIsOneTransaction(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	const n = 20_000
	table := func(name string) string {
		var b strings.Builder
		b.WriteString("Номер потока;Номер заявки;Фамилия;Имя;Дата рождения;Завершил успешно;Тип документа\n")
		for i := range n {
			fmt.Fprintf(&b, "%d;%d;%s;Имя;01.02.1990;Да;1\n", 1+i/300, i, name)
		}
		return upload(t, []byte(b.String()))
	}
	var cohorts [][]any
	for i := range n/300 + 1 {
		cohorts = append(cohorts, cohortCells(strconv.Itoa(1+i)))
	}
	d.load(service.CommandLine, workbook(t, cohortsTab(cohorts...)))
	for _, step := range []struct {
		path string
		want [4]int
	}{
		{table("Иванов"), [4]int{n, 0, 0, 0}},
		{table("Иванов"), [4]int{0, 0, n, 0}},
		{table("Петров"), [4]int{0, n, 0, 0}},
	} {
		if diff := cmp.Diff(map[string][4]int{"Слушатели": step.want}, counts(d.load(service.CommandLine, step.path))); diff != "" {
			t.Fatal(diff)
		}
	}
	for _, l := range d.allLearners() {
		if l.LastName != "Петров" || l.Revision != 2 || l.BornOn != day(t, "1990-02-01") {
			t.Fatalf("learner is %+v", l)
		}
	}
}
