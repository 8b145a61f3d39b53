package bot_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"html"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"flowbot/bot"
	"flowbot/service"
	"flowbot/templates"
)

// refusalFacts are the facts that the service gives with a reason, as long as
// they get. A reason that is not here has none.
func refusalFacts() map[service.Reason][]any {
	at := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	long := strings.Repeat("Ж", 120)
	bound := service.FileBound{Limit: 20 << 20, Got: 25 << 20}
	sheets := service.SheetNames{Known: []string{"Потоки", "Слушатели"}}
	line := service.CalendarFault{Line: 2, Day: "01.01.2028"}
	cell := service.ProfileFault{Row: 12, Column: "ширина", Text: "<b>", From: 0, To: 4.1, Known: []string{"поле", "регистрационный номер"}}
	out := make(map[service.Reason][]any)
	for _, f := range []struct {
		reason service.Reason
		data   []any
	}{
		{service.ReasonMovedOn, []any{
			service.Moved{Subject: service.SubjectAct, ID: 1},
			service.Moved{Subject: service.SubjectAct, ID: 1, Event: "take", By: long, At: at},
			service.Moved{Subject: service.SubjectAct, ID: 1, Event: "expire", At: at},
			service.Moved{Subject: service.SubjectPage, ID: 1, Event: "choose", By: "<Анна>", At: at},
			service.Moved{Subject: service.SubjectCohort, ID: 1, Event: "submit", By: "<Ольга>", At: at},
			service.Moved{Subject: service.SubjectCohort, ID: 1, Event: "import_learners", By: "Ольга", At: at},
		}},
		{service.ReasonNotEnded, []any{&service.Cohort{Number: "118", EndOn: service.NewDay(2026, 3, 2)}}},
		{service.ReasonNotEligible, []any{[]string{long, "Иванов <Иван>"}, []string(nil), nil}},
		{service.ReasonCommentTooLong, []any{2000}},
		{service.ReasonTaken, []any{service.Holder{PersonID: 1, Name: long, At: at}}},
		{service.ReasonTooManyScreenshots, []any{20}},
		{service.ReasonDeliveryNothing, []any{
			service.GivePlan{}, service.GivePlan{Sending: 1, Held: 2, Unlinked: 5, Unreachable: 1, Unconfirmed: 1, QuietUntil: &at},
		}},
		{service.ReasonTooManyFiles, []any{25}},
		{service.ReasonFileTooBig, []any{bound, nil}},
		{service.ReasonFileTooManyPages, []any{service.FileBound{Limit: 500, Got: 501}, nil}},
		{service.ReasonFileTooManyPixels, []any{service.FileBound{Limit: 60_000_000, Got: 61_000_000}, nil}},
		{service.ReasonFileOverLimit, []any{bound}},
		{service.ReasonProtocolTooEarly, []any{service.NewDay(2026, 3, 2)}},
		{service.ReasonProtocolTaken, []any{service.Holder{PersonID: 1, Name: long, At: at}}},
		{service.ReasonProtocolUnsettled, []any{
			service.ProtocolLack{Applications: []service.Application{{Number: "1", LastName: long, FirstName: long, Outcome: service.OutcomePassed}}},
			service.ProtocolLack{Applications: []service.Application{{Number: "1", LastName: "<Иванов>"}}, More: 1},
		}},
		{service.ReasonProtocolNumber, []any{50}},
		{service.ReasonProtocolBefore, []any{service.NewDay(2026, 3, 2)}},
		{service.ReasonUploadSecond, []any{long}},
		{service.ReasonUploadPages, []any{2, 21, 600}},
		{service.ReasonUploadLinkFiles, []any{service.FileBound{Limit: 300, Got: 301}}},
		{service.ReasonResultFrozen, []any{"24-10-40538-000002-1"}},
		{service.ReasonResultEarly, []any{service.NewDay(2026, 3, 2)}},
		{service.ReasonOrgName, []any{300}},
		{service.ReasonPersonName, []any{120}},
		{service.ReasonAlreadyRemoved, []any{service.Gone{Name: "Иван", On: service.NewDay(2026, 3, 2), By: "Ольга"}}},
		{service.ReasonImportTooLong, []any{1}},
		{service.ReasonImportFarDay, []any{service.ImportYears{First: 1990, Last: 2100}}},
		{service.ReasonImportNoNumber, []any{10_000}},
		{service.ReasonImportNoDocument, []any{[]string{"Удостоверение", "Диплом"}}},
		{service.ReasonImportRepeated, []any{service.ImportRow{Row: 2}}},
		{service.ReasonImportCenterTwice, []any{service.ImportRow{Row: 2}}},
		{service.ReasonImportNoWord, []any{[]string{"Патент", "РВП", "ВНЖ"}}},
		{service.ReasonImportNoProfile, []any{[]string{"Бланк 210 мм"}}},
		{service.ReasonSheetTooBig, []any{bound}},
		{service.ReasonSheetTooManySheets, []any{bound}},
		{service.ReasonSheetTooManyRows, []any{bound}},
		{service.ReasonSheetTooManyColumns, []any{bound}},
		{service.ReasonSheetTooManyCells, []any{bound}},
		{service.ReasonSheetUnknown, []any{sheets}},
		{service.ReasonSheetNoForm, []any{sheets}},
		{service.ReasonCalendarUnreadable, []any{line}},
		{service.ReasonCalendarNoYear, []any{line}},
		{service.ReasonCalendarNoDays, []any{line}},
		{service.ReasonCalendarOtherYear, []any{line}},
		{service.ReasonCalendarRepeated, []any{line}},
		{service.ReasonCalendarPlainDay, []any{line}},
		{service.ReasonCalendarNotHoliday, []any{line}},
		{service.ReasonCalendarLongRest, []any{line}},
		{service.ReasonProfileNoHeader, []any{cell, service.ProfileFault{Known: []string{"бланк"}}}},
		{service.ReasonProfileNoColumn, []any{cell, service.ProfileFault{Known: []string{"бланк"}}}},
		{service.ReasonProfileColumnTwice, []any{cell, service.ProfileFault{Known: []string{"бланк"}}}},
		{service.ReasonProfileNoRow, []any{cell, service.ProfileFault{Known: []string{"бланк"}}}},
		{service.ReasonProfileRepeated, []any{cell, service.ProfileFault{Known: []string{"бланк"}}}},
		{service.ReasonProfileRequired, []any{cell, service.ProfileFault{Known: []string{"бланк"}}}},
		{service.ReasonProfileNoNumber, []any{cell, service.ProfileFault{Known: []string{"бланк"}}}},
		{service.ReasonProfileNoWord, []any{cell, service.ProfileFault{Known: []string{"бланк"}}}},
		{service.ReasonProfileTooLong, []any{cell, service.ProfileFault{Known: []string{"бланк"}}}},
		{service.ReasonProfileTooManyRows, []any{cell, service.ProfileFault{Known: []string{"бланк"}}}},
		{service.ReasonProfileOffSheet, []any{cell, service.ProfileFault{Known: []string{"бланк"}}}},
		{service.ReasonProfileOffBlank, []any{cell, service.ProfileFault{Known: []string{"бланк"}}}},
		{service.ReasonProfileFloor, []any{cell, service.ProfileFault{Known: []string{"бланк"}}}},
		{service.ReasonProfileLeading, []any{cell, service.ProfileFault{Known: []string{"бланк"}}}},
		{service.ReasonCenterLetter, []any{"🙂", "<"}},
		{service.ReasonCenterNoProfile, []any{service.CenterGap{OrgID: 1, Center: long, Missing: service.CenterFields[4:]}}},
		{service.ReasonCenterIncomplete, []any{
			service.CenterGap{OrgID: 1, Center: long, Missing: service.CenterFields},
			service.CenterGap{OrgID: 1, Center: "<Мост>", Missing: service.CenterFields[:1]},
		}},
		{service.ReasonCenterValue, []any{300, 121}},
		{service.ReasonPrinterName, []any{60}},
		{service.ReasonProfileTooMany, []any{20}},
		{service.ReasonProfileExists, []any{long[:60]}},
		{service.ReasonPrinterTooMany, []any{20}},
		{service.ReasonPrinterFar, []any{20}},
		{service.ReasonNotPrintable, []any{[]string{"1", "2"}}},
		{service.ReasonPrintRange, []any{38}},
		{service.ReasonPrintFault, []any{
			service.PrintFaultAt{PrintFault: service.PrintFault{Application: "1", Rune: "<"}},
			service.PrintFaultAt{PrintFault: service.PrintFault{Rune: "漢"}},
			service.PrintFaultAt{PrintFault: service.PrintFault{Application: "1", Field: "name"}},
			service.PrintFaultAt{PrintFault: service.PrintFault{Application: "1", Field: "name", OffSheet: true}},
			service.PrintFaultAt{PrintFault: service.PrintFault{Field: "address"}},
		}},
		{service.ReasonFrdoNobody, []any{true, false}},
		{service.ReasonFrdoIncomplete, []any{service.FrdoLack{
			Center: []service.FrdoField{service.FrdoIssueAddress, service.FrdoSignatory}, Exam: []service.FrdoField{service.FrdoExamAddress},
			Applications: slices.Repeat([]service.FrdoGap{{Number: long[:50], Fields: []service.FrdoField{
				service.FrdoLastNameLatin, service.FrdoFirstNameLatin, service.FrdoIdentityDocument, service.FrdoCitizenship,
			}}}, 20),
		}}},
		{service.ReasonFrdoNotReady, []any{service.FrdoUnready{Unsettled: 3, Protocol: service.ProtocolApproved}, service.FrdoUnready{Protocol: service.ProtocolRejected}}},
		{service.ReasonFrdoNoHeader, []any{10}},
		{service.ReasonFrdoTwice, []any{long}},
		{service.ReasonFrdoManyRows, []any{service.FileBound{Limit: 20_000, Got: 20_001}}},
		{service.ReasonBlankNumber, []any{18}},
		{service.ReasonBlankSeries, []any{10}},
		{service.ReasonBlankUsed, []any{
			nil,
			service.BlankFault{Series: "АБ", Number: "1"},
			service.BlankFault{Number: "1", State: service.BlankUsed, Application: "118-01"},
			service.BlankFault{Number: "1", State: service.BlankSpoiled, Application: "118-01"},
			service.BlankFault{Number: "1", State: service.BlankSpoiled},
		}},
		{service.ReasonBlankSound, []any{
			service.BlankFault{Series: "АБ", Number: "1"},
			service.BlankFault{Number: "1", State: service.BlankUsed, Application: "118-01"},
		}},
		{service.ReasonBlankPattern, []any{service.BlankPattern{Series: true, Digits: 6}, service.BlankPattern{Digits: 13}}},
		{service.ReasonBlankOutside, []any{service.BlankFault{Series: "АБ", Number: "1"}}},
		{service.ReasonBlankRangeLong, []any{1_000_000}},
		{service.ReasonBlankOverlap, []any{service.BlankRange{First: "101", Last: "200", ReceivedOn: service.NewDay(2026, 3, 2)}}},
		{service.ReasonBlankRangeUsed, []any{service.BlankRange{Series: "АБ", First: "101", Last: "200", Used: 1}}},
		{service.ReasonScanNotEntitled, []any{service.ScanFault{Application: "118-01"}}},
		{service.ReasonScanLoaded, []any{service.ScanFault{Application: "118-01"}}},
		{service.ReasonScanOtherNumber, []any{
			service.ScanFault{Application: "118-01", RegistrationNumber: "24-10-40538-000002-1"},
			service.ScanFault{Application: "118-01", RegistrationNumber: "24-10-40538-000002-1", Typed: true},
		}},
		{service.ReasonScanNumberTaken, []any{
			service.ScanFault{}, service.ScanFault{Application: "118-01"}, service.ScanFault{Application: "118-01", Typed: true},
		}},
		{service.ReasonScanAnothers, []any{
			service.ScanFault{Application: "118-01", RegistrationNumber: "24-10-40538-000002-1"}, service.ScanFault{Application: "118-01"}, service.ScanFault{},
		}},
		{service.ReasonScanElsewhere, []any{service.ScanFault{Application: "118-01"}, service.ScanFault{}}},
		{service.ReasonScanNamesake, []any{service.ScanFault{Application: "118-01"}, service.ScanFault{}}},
		{service.ReasonCandidateSlow, []any{1, 22}},
		{service.ReasonScanDayEarly, []any{service.NewDay(2026, 3, 2)}},
		{service.ReasonScanOtherDay, []any{
			service.ScanFault{Application: "118-01", IssuedOn: service.NewDay(2026, 3, 2)},
			service.ScanFault{Application: "118-01", IssuedOn: service.NewDay(2026, 3, 2), Typed: true},
		}},
		{service.ReasonHandedEarly, []any{service.ScanFault{Application: "118-01", IssuedOn: service.NewDay(2026, 3, 2)}}},
		{service.ReasonHandedAlready, []any{service.ScanFault{Application: "118-01", HandedOn: service.NewDay(2026, 3, 2)}}},
		{service.ReasonBatchEarly, []any{
			service.Exam{Number: "118", Successful: 1},
			service.Exam{Number: "118", HeldOn: service.NewDay(2026, 3, 2), Unsettled: 1},
			service.Exam{Number: "118", Applications: 1},
			service.Exam{Number: "118"},
		}},
		{service.ReasonDeliveryPaused, []any{service.Exam{Number: "118"}}},
		{service.ReasonQuestionBlankTwice, []any{service.BlankFault{Series: "АБ", Number: "0000000000101"}}},
		{service.ReasonPageDelivered, []any{service.ScanFault{Application: "118-01"}}},
		{service.ReasonPageSuperseded, []any{service.ScanFault{Application: "118-01"}}},
		{service.ReasonArchiveTooLarge, []any{service.FileBound{Limit: 200 << 20, Got: 201 << 20}}},
		{bot.ReasonUnexpected, []any{"", "sticker"}},
	} {
		out[f.reason] = f.data
	}
	return out
}

// TestEveryRefusalHasWords fills each with its facts. What is shown in a window
// over the button fits it, but for a name as long as names get.
func TestEveryRefusalHasWords(t *testing.T) {
	t.Parallel()
	texts, err := templates.Load("ru")
	if err != nil {
		t.Fatal(err)
	}
	all, alerts := bot.Refusals()
	facts := refusalFacts()
	for _, reason := range all {
		given := facts[reason]
		if given == nil {
			given = []any{nil}
		}
		delete(facts, reason)
		for _, data := range given {
			words, err := texts.HTML(string(reason), data)
			if err != nil {
				t.Error(err)
				continue
			}
			if strings.TrimSpace(words) != words || words == "" || strings.ContainsAny(words, "!{}") || strings.Contains(words, "no value") {
				t.Errorf("%s: %q", reason, words)
			}
			shown := html.UnescapeString(regexp.MustCompile(`<[^>]*>`).ReplaceAllString(words, ""))
			if n := len(utf16.Encode([]rune(shown))); n > bot.MaxToast && slices.Contains(alerts, reason) && !strings.Contains(shown, "ЖЖЖ") {
				t.Errorf("%s: %d letters", reason, n)
			}
		}
	}
	for reason := range facts {
		t.Errorf("the bot does not know the reason %q", reason)
	}
}

// TestEveryReasonOfTheServiceIsKnown compares the constants of type Reason in
// the service's source with the bot's map.
func TestEveryReasonOfTheServiceIsKnown(t *testing.T) {
	t.Parallel()
	all, _ := bot.Refusals()
	texts, err := templates.Load("ru")
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob("../service/*.go")
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, path := range files {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			spec, ok := n.(*ast.ValueSpec)
			if !ok || len(spec.Values) != 1 || !strings.HasPrefix(spec.Names[0].Name, "Reason") {
				return true
			}
			lit, ok := spec.Values[0].(*ast.BasicLit)
			if !ok {
				return true
			}
			value, err := strconv.Unquote(lit.Value)
			if err != nil {
				t.Fatal(err)
			}
			found++
			if !texts.Has(value) {
				t.Errorf("%s has no words", value)
			}
			if !slices.Contains(all, service.Reason(value)) {
				t.Errorf("the bot does not know %s", value)
			}
			return true
		})
	}
	if found < len(all)/2 {
		t.Errorf("%d reasons found in the service, %d are known", found, len(all))
	}
}

// TestEveryTextIsUsed looks for the name of each text and label in the code and
// in the other texts.
func TestEveryTextIsUsed(t *testing.T) {
	t.Parallel()
	texts, err := templates.Load("ru")
	if err != nil {
		t.Fatal(err)
	}
	var source strings.Builder
	for _, pattern := range []string{"*.go", "../service/*.go", "../service/*/*.go", "../cmd/*/*.go", "../cron/*.go", "../templates/text/ru/*"} {
		paths, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range paths {
			if strings.HasSuffix(path, "_test.go") {
				continue
			}
			b, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			source.Write(b)
		}
	}
	all := source.String()
	for _, name := range texts.Names() {
		plain := strings.TrimPrefix(name, "label ")
		if strings.HasSuffix(plain, ".html") || strings.HasSuffix(plain, ".txt") || plain == "ru" {
			continue // the files themselves
		}
		if strings.HasPrefix(plain, "command_") && strings.Contains(all, strconv.Quote(strings.TrimPrefix(plain, "command_"))) {
			continue
		}
		// Once in its own definition, and once where it is used.
		if strings.Count(all, strconv.Quote(plain)) < 2 {
			t.Errorf("%s is used nowhere", name)
		}
	}
}
