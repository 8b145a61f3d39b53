package templates_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"flowbot/service"
	"flowbot/templates"
)

// longestWords is what the words of one reason may take of a report, in
// characters, see TestReportFitsOneMessage.
const longestWords = 170

func TestReportFitsOneMessage(t *testing.T) {
	t.Parallel()
	set, err := templates.Load("ru")
	if err != nil {
		t.Fatal(err)
	}
	var long []string
	for range 10 {
		long = append(long, strings.Repeat("Ж", 40)+"…")
	}
	r := service.ImportReport{
		Sheets: []service.SheetReport{
			{Name: "Потоки", Bad: 100_000, IgnoredColumns: long}, {Name: "Слушатели", Bad: 100_000},
		},
	}
	for range 200_000 {
		r.Bad = append(r.Bad, service.BadCell{Sheet: "Слушатели", Row: 100_000, Column: "Образовательный партнёр", Text: strings.Repeat("Ж", longestWords)})
	}
	text, err := set.HTML("import_refused", &r)
	if err != nil {
		t.Fatal(err)
	}
	// Source: Telegram Bot API, sendMessage: 4096 characters.
	if n := utf8.RuneCountInString(text); n > 4096 {
		t.Errorf("%d characters", n)
	}
}

func TestEveryReasonOfImportsHasWords(t *testing.T) {
	t.Parallel()
	set, err := templates.Load("ru")
	if err != nil {
		t.Fatal(err)
	}
	bound := service.FileBound{Limit: 64 << 20, Got: 1}
	names := service.SheetNames{Known: []string{"Потоки", "Слушатели"}}
	fault := service.CalendarFault{Line: 2, Day: "01.01.2028"}
	tests := []struct {
		reason service.Reason
		data   any
	}{
		{service.ReasonImportRequired, nil},
		{service.ReasonImportTooLong, 1},
		{service.ReasonImportNoDay, nil},
		{service.ReasonImportFarDay, service.ImportYears{First: 1990, Last: 2100}},
		{service.ReasonImportNoNumber, 10_000},
		{service.ReasonImportNoYesNo, nil},
		{service.ReasonImportNoDocument, []string{"Удостоверение", "Диплом"}},
		{service.ReasonImportRounded, nil},
		{service.ReasonImportFormulaError, nil},
		{service.ReasonImportColumnMissing, nil},
		{service.ReasonImportColumnTwice, nil},
		{service.ReasonImportRepeated, service.ImportRow{Row: 2}},
		{service.ReasonImportEndBefore, nil},
		{service.ReasonImportBornLate, nil},
		{service.ReasonImportNoPartner, nil},
		{service.ReasonImportNoCohort, nil},
		{service.ReasonImportNumberTaken, nil},
		{service.ReasonImportCohortInAct, nil},
		{service.ReasonImportPartnerFixed, nil},
		{service.ReasonImportLearnerInAct, nil},
		{service.ReasonImportForbidden, nil},
		{service.ReasonImportNoCenter, nil},
		{service.ReasonImportCenterTwice, service.ImportRow{Row: 2}},
		{service.ReasonImportNoProfile, []string{"Типография 1", "Типография 2"}},
		{service.ReasonImportNoTime, nil},
		{service.ReasonImportNoWord, []string{"русский", "узбекский", "таджикский", "киргизский", "азербайджанский", "армянский", "китайский", "английский"}},
		{service.ReasonImportNoCountry, nil},
		{service.ReasonImportNoPhone, nil},
		{service.ReasonImportNotLatin, nil},
		{service.ReasonImportMixed, nil},
		{service.ReasonImportBornAtExam, nil},
		{service.ReasonImportBornAhead, nil},
		{service.ReasonImportNoExam, nil},
		{service.ReasonImportExamTaken, nil},
		{service.ReasonImportExamNumbered, nil},
		{service.ReasonImportExamProtocol, nil},
		{service.ReasonImportExamMarked, nil},
		{service.ReasonImportNumbered, nil},
		{service.ReasonImportLinked, nil},
		{service.ReasonImportNoApplication, nil},
		{service.ReasonImportResultFrozen, nil},
		{service.ReasonImportNotHeld, nil},
		{service.ReasonImportUnsettled, nil},
		{service.ReasonSheetRegister, nil},
		{service.ReasonSheetEmpty, nil},
		{service.ReasonSheetOld, nil},
		{service.ReasonSheetEncrypted, nil},
		{service.ReasonSheetUnreadable, nil},
		{service.ReasonSheetTooBig, bound},
		{service.ReasonSheetTooManySheets, bound},
		{service.ReasonSheetTooManyRows, bound},
		{service.ReasonSheetTooManyColumns, bound},
		{service.ReasonSheetTooManyCells, bound},
		{service.ReasonSheetUnknown, names},
		{service.ReasonSheetNoForm, names},
		{service.ReasonCalendarUnreadable, fault},
		{service.ReasonCalendarNoYear, fault},
		{service.ReasonCalendarNoDays, fault},
		{service.ReasonCalendarOtherYear, fault},
		{service.ReasonCalendarRepeated, fault},
		{service.ReasonCalendarPlainDay, fault},
		{service.ReasonCalendarNotHoliday, fault},
		{service.ReasonCalendarLongRest, fault},
	}
	for _, tt := range tests {
		t.Run(string(tt.reason), func(t *testing.T) {
			t.Parallel()
			words, err := set.HTML(string(tt.reason), tt.data)
			if err != nil {
				t.Fatal(err)
			}
			if strings.TrimSpace(words) == "" || strings.Contains(words, "!") {
				t.Errorf("the words are %q", words)
			}
			if n := utf8.RuneCountInString(words); n > longestWords {
				t.Errorf("%d characters, more than fit a report", n)
			}
		})
	}
}

func TestImportReportReads(t *testing.T) {
	t.Parallel()
	set, err := templates.Load("ru")
	if err != nil {
		t.Fatal(err)
	}
	bad := service.ImportReport{
		Sheets: []service.SheetReport{{Name: "Потоки"}, {Name: "Слушатели", Bad: 21, IgnoredColumns: []string{"<b>", "Примечание"}}},
	}
	for range 17 {
		bad.Bad = append(bad.Bad, service.BadCell{Sheet: "Слушатели", Row: 3, Column: "Имя", Text: "ячейка должна быть заполнена"})
	}
	bad.Bad[0].Column = ""
	tests := []struct {
		name string
		text string
		data service.ImportReport
		want string
	}{
		{
			"loaded", "import_report",
			service.ImportReport{Sheets: []service.SheetReport{{Name: "Потоки", New: 2, Unchanged: 1}, {Name: "Слушатели", Changed: 40}}, IgnoredSheets: []string{"Черновик"}},
			"<b>Загружено</b>\nПотоки: новых 2, изменено 0, без изменений 1\nСлушатели: новых 0, изменено 40, без изменений 0\nПропущены листы: Черновик",
		},
		{
			"looked at", "import_report",
			service.ImportReport{DryRun: true, Sheets: []service.SheetReport{{Name: "Потоки", New: 1}}},
			"<b>Проверено, ничего не записано</b>\nПотоки: новых 1, изменено 0, без изменений 0",
		},
		{
			"refused", "import_refused", bad,
			"<b>Ничего не загружено: 21 строка с ошибками</b>\nСлушатели, строка 3: ячейка должна быть заполнена\n" +
				strings.Repeat("Слушатели, строка 3, «Имя»: ячейка должна быть заполнена\n", 14) +
				"И ещё ошибок: 2\nЛист «Слушатели», пропущены столбцы: &lt;b&gt;, Примечание",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := set.HTML(tt.text, &tt.data)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestHintsFitBesideTheirColumns(t *testing.T) {
	t.Parallel()
	hints, err := templates.SheetHints("ru")
	if err != nil {
		t.Fatal(err)
	}
	for sheet, columns := range hints {
		for column, hint := range columns {
			if n := utf8.RuneCountInString(hint); n == 0 || n > 255 {
				t.Errorf("%s, %s: a hint of %d characters", sheet, column, n)
			}
		}
	}
}
