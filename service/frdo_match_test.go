package service_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"flowbot/service"
)

// The days of the tests of matching: the exam, an honest date of issue, today.
var (
	heldOn   = service.NewDay(2026, 2, 24)
	issuedOn = service.NewDay(2026, 2, 27)
	today    = service.NewDay(2026, 3, 2)
	bornOn   = service.NewDay(1990, 5, 17)
)

// karimov is an application that is entitled to a certificate.
func karimov(id int64, change ...func(*service.Application)) service.Application {
	a := service.Application{
		ID: id, Number: fmt.Sprintf("Э-1-%03d", id), ExamID: 1, Level: service.LevelPatent,
		LastName: "Каримов", FirstName: "Алишер", MiddleName: "Рустамович", BornOn: bornOn, IdentityDocument: "FA 1000001",
		Outcome: service.OutcomePassed, Violations: service.ViolationsNone,
	}
	for _, f := range change {
		f(&a)
	}
	return a
}

func numberRow(n int, change ...func(*service.NumberRow)) service.NumberRow {
	r := service.NumberRow{
		Row: n + 1, Name: "Каримов Алишер Рустамович", BornOn: bornOn, Level: service.LevelPatent,
		Number: fmt.Sprintf("24-10-40538-%06d-1", n), IssuedOn: issuedOn,
	}
	for _, f := range change {
		f(&r)
	}
	return r
}

func TestRowsAreMatchedWithApplications(t *testing.T) {
	t.Parallel()
	type row = service.NumberRow
	type app = service.Application
	document := func(s string) func(*row) { return func(r *row) { r.Document = s } }
	born := func(d service.Day) func(*row) { return func(r *row) { r.BornOn = d } }
	name := func(s string) func(*row) { return func(r *row) { r.Name = s } }
	number := func(s string) func(*row) { return func(r *row) { r.Number = s } }
	level := func(l service.Level) func(*row) { return func(r *row) { r.Level = l } }
	issued := func(d service.Day) func(*row) { return func(r *row) { r.IssuedOn = d } }
	fault := func(v service.NumberVerdict) func(*row) { return func(r *row) { r.Fault = v } }
	numbered := func(s string) func(*app) { return func(a *app) { a.RegistrationNumber, a.IssuedOn = s, issuedOn } }
	byHand := func(a *app) { a.NumberTyped = true }
	petrov := func(id int64, change ...func(*app)) app {
		return karimov(id, append([]func(*app){func(a *app) { a.LastName, a.FirstName, a.MiddleName = "Петров", "Петр", "" }}, change...)...)
	}
	tests := []struct {
		name  string
		rows  []row
		apps  []app
		taken map[string]int64
		want  []service.NumberVerdict
	}{
		{"everything agrees", []row{numberRow(1)}, []app{karimov(1)}, nil, verdicts(service.NumberMatched)},
		{"Ё, case, hyphens and letters that look alike", []row{numberRow(1, name("АЛЕКСЁЕВ - ПЕТРОВ  Oлег"))}, []app{karimov(1, func(a *app) {
			a.LastName, a.FirstName, a.MiddleName = "Алексеев-Петров", "Олег", ""
		})}, nil, verdicts(service.NumberMatched)},
		{"another name", []row{numberRow(1, name("Каримов Алишер"))}, []app{karimov(1)}, nil, verdicts(service.NumberNotHere)},
		{"another birth date", []row{numberRow(1, born(bornOn.AddDays(1)))}, []app{karimov(1)}, nil, verdicts(service.NumberNotHere)},
		{"another type", []row{numberRow(1, level(service.LevelPermanent))}, []app{karimov(1)}, nil, verdicts(service.NumberNotHere)},
		{"a type that nobody understands is left out", []row{numberRow(1, level(""))}, []app{karimov(1)}, nil, verdicts(service.NumberMatched)},
		{"a name alone", []row{numberRow(1, born(service.Day{}), fault(service.NumberNameAlone))}, []app{karimov(1)}, nil, verdicts(service.NumberNameAlone)},
		{"name and document", []row{numberRow(1, born(service.Day{}), document("fа1000001"))}, []app{karimov(1)}, nil, verdicts(service.NumberMatched)},
		{"name and another document", []row{numberRow(1, born(service.Day{}), document("FA 1000002"))}, []app{karimov(1)}, nil, verdicts(service.NumberNotHere)},
		{"a document that the application does not have", []row{numberRow(1, born(service.Day{}), document("FA 1000001"))}, []app{karimov(1, func(a *app) { a.IdentityDocument = "" })}, nil, verdicts(service.NumberNotHere)},
		{"a document with words before it", []row{numberRow(1, document("Паспорт FA №1000001"))}, []app{karimov(1)}, nil, verdicts(service.NumberMatched)},
		{"a document without its series", []row{numberRow(1, document("1000001"))}, []app{karimov(1)}, nil, verdicts(service.NumberMatched)},
		{"another document of the same person", []row{numberRow(1, document("AA 7654321"))}, []app{karimov(1)}, nil, verdicts(service.NumberOtherDocument)},
		{"two applications for two levels, told apart by the type", []row{numberRow(1)}, []app{karimov(1), karimov(2, func(a *app) { a.Level = service.LevelPermanent })}, nil, verdicts(service.NumberMatched)},
		{"two applications that nothing tells apart", []row{numberRow(1, level(""))}, []app{karimov(1), karimov(2, func(a *app) { a.Level = service.LevelPermanent })}, nil, verdicts(service.NumberAmbiguous)},
		{"namesakes of one day, told apart by the document", []row{numberRow(1, document("FA 1000002"))}, []app{karimov(1), karimov(2, func(a *app) { a.IdentityDocument = "FA1000002" })}, nil, verdicts(service.NumberMatched)},
		{"failed", []row{numberRow(1)}, []app{karimov(1, func(a *app) { a.Outcome = service.OutcomeFailed })}, nil, verdicts(service.NumberNotEntitled)},
		{"violations", []row{numberRow(1)}, []app{karimov(1, func(a *app) { a.Violations = service.ViolationsFound })}, nil, verdicts(service.NumberNotEntitled)},
		{"the same number again", []row{numberRow(1)}, []app{karimov(1, numbered("24-10-40538-000001-1"))}, map[string]int64{"24-10-40538-000001-1": 1}, verdicts(service.NumberSame)},
		{"the same number in letters that look alike", []row{numberRow(1, number("ab-77"))}, []app{karimov(1, numbered("АВ-77"))}, nil, verdicts(service.NumberSame)},
		{"the same number with another date", []row{numberRow(1, issued(heldOn))}, []app{karimov(1, numbered("24-10-40538-000001-1"))}, nil, verdicts(service.NumberOtherDay)},
		{"another number already", []row{numberRow(1)}, []app{karimov(1, numbered("24-10-40538-000009-1"))}, nil, verdicts(service.NumberOther)},
		{"a number of somebody else", []row{numberRow(1)}, []app{karimov(1)}, map[string]int64{"24-10-40538-000001-1": 77}, verdicts(service.NumberTaken)},
		{"issued tomorrow", []row{numberRow(1, issued(today.AddDays(1)))}, []app{karimov(1)}, nil, verdicts(service.NumberFuture)},
		{"issued today", []row{numberRow(1, issued(today))}, []app{karimov(1)}, nil, verdicts(service.NumberMatched)},
		{"issued before the exam", []row{numberRow(1, issued(heldOn.AddDays(-1)))}, []app{karimov(1)}, nil, verdicts(service.NumberBeforeExam)},
		{"issued on the day of the exam", []row{numberRow(1, issued(heldOn))}, []app{karimov(1)}, nil, verdicts(service.NumberMatched)},
		{"a number twice, for two people", []row{numberRow(1), numberRow(2, number("24-10-40538-000001-1"), name("Петров Пётр"))}, []app{karimov(1), karimov(2, func(a *app) { a.LastName, a.FirstName, a.MiddleName = "Петров", "Петр", "" })}, nil, verdicts(service.NumberRepeated, service.NumberRepeated)},
		{"a number twice, once for nobody here", []row{numberRow(1), numberRow(2, number("24-10-40538-000001-1"), name("Чужой"))}, []app{karimov(1)}, nil, verdicts(service.NumberRepeated, service.NumberRepeated)},
		{"two rows for one application", []row{numberRow(1), numberRow(2)}, []app{karimov(1)}, nil, verdicts(service.NumberTwoRows, service.NumberTwoRows)},
		{"two rows for one application, one of them bad", []row{numberRow(1), numberRow(2, fault(service.NumberBadNumber))}, []app{karimov(1)}, nil, verdicts(service.NumberTwoRows, service.NumberBadNumber)},
		{"a row that has no number yet stands in nobody's way", []row{numberRow(1), numberRow(2, number(""), fault(service.NumberMissing))}, []app{karimov(1)}, nil, verdicts(service.NumberMatched, service.NumberMissing)},
		{"another number, typed", []row{numberRow(1)}, []app{karimov(1, numbered("24-10-40538-000009-1"), byHand)}, nil, verdicts(service.NumberTyped)},
		{"another day, typed", []row{numberRow(1, issued(heldOn))}, []app{karimov(1, numbered("24-10-40538-000001-1"), byHand)}, nil, verdicts(service.NumberTyped)},
		{"a typed number before the exam", []row{numberRow(1, issued(heldOn.AddDays(-1)))}, []app{karimov(1, numbered("24-10-40538-000009-1"), byHand)}, nil, verdicts(service.NumberBeforeExam)},
		{"two rows about a typed number", []row{numberRow(1), numberRow(2)}, []app{karimov(1, numbered("24-10-40538-000009-1"), byHand)}, nil, verdicts(service.NumberTwoRows, service.NumberTwoRows)},
		{"typed, and the file's is somebody else's", []row{numberRow(1)}, []app{karimov(1, numbered("24-10-40538-000009-1"), byHand)}, map[string]int64{"24-10-40538-000001-1": 77}, verdicts(service.NumberTaken)},
		{"two typed numbers that are each other's", []row{numberRow(1), numberRow(2, name("Петров Петр"))}, []app{
			karimov(1, numbered("24-10-40538-000002-1"), byHand), petrov(2, numbered("24-10-40538-000001-1"), byHand),
		}, map[string]int64{"24-10-40538-000002-1": 1, "24-10-40538-000001-1": 2}, verdicts(service.NumberTyped, service.NumberTyped)},
		{"a typed number that is another's, whose own is somebody else's", []row{numberRow(1), numberRow(2, name("Петров Петр"))}, []app{
			karimov(1, numbered("24-10-40538-000009-1"), byHand), petrov(2, numbered("24-10-40538-000001-1"), byHand),
		}, map[string]int64{"24-10-40538-000001-1": 2, "24-10-40538-000002-1": 77}, verdicts(service.NumberTaken, service.NumberTaken)},
		{"recorded before, and another number now", []row{numberRow(1), numberRow(2)}, []app{karimov(1, numbered("24-10-40538-000001-1"))}, nil, verdicts(service.NumberSame, service.NumberOther)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var got []service.NumberVerdict
			for _, r := range service.MatchNumbers(tt.rows, heldOn, today, tt.apps, tt.taken) {
				got = append(got, r.Verdict)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func verdicts(v ...service.NumberVerdict) []service.NumberVerdict { return v }

// anyRows draws a small exam and a table about its people, so that everything
// that can go together does.
func anyRows(rt *rapid.T) (rows []service.NumberRow, apps []service.Application, taken map[string]int64) {
	last := rapid.SampledFrom([]string{"Каримов", "Kаримов", "КАРИМОВ", "Петров-Алёшин", "Петров Алешин", "Ли"})
	first := rapid.SampledFrom([]string{"Алишер", "Алёша", ""})
	born := rapid.SampledFrom([]service.Day{bornOn, bornOn.AddDays(1), {}})
	document := rapid.SampledFrom([]string{"", "FA 1000001", "FА1000001", "AA 7654321"})
	number := rapid.Custom(func(t *rapid.T) string {
		return fmt.Sprintf("24-10-40538-%06d-1", rapid.IntRange(1, 9).Draw(t, "ordinal"))
	})
	taken = map[string]int64{}
	for id := range int64(rapid.IntRange(0, 5).Draw(rt, "applications")) {
		a := service.Application{
			ID: id + 1, Number: fmt.Sprintf("Э-%d", id+1), Level: rapid.SampledFrom(service.Levels).Draw(rt, "level"),
			LastName: last.Draw(rt, "last"), FirstName: first.Draw(rt, "first"), BornOn: bornOn.AddDays(rapid.IntRange(0, 1).Draw(rt, "day")),
			IdentityDocument: document.Draw(rt, "document"),
			Outcome:          rapid.SampledFrom([]service.Outcome{service.OutcomePassed, service.OutcomePassed, service.OutcomeFailed}).Draw(rt, "outcome"),
			Violations:       service.ViolationsNone,
		}
		if a.Entitled() && rapid.IntRange(0, 3).Draw(rt, "numbered") == 0 {
			n := number.Draw(rt, "has")
			if _, other := taken[n]; !other {
				a.RegistrationNumber, a.IssuedOn, a.NumberTyped = n, issuedOn, rapid.Bool().Draw(rt, "typed")
				taken[n] = a.ID
			}
		}
		apps = append(apps, a)
	}
	if rapid.Bool().Draw(rt, "elsewhere") {
		if n := number.Draw(rt, "elsewhere's"); taken[n] == 0 {
			taken[n] = 1000
		}
	}
	for i := range rapid.IntRange(0, 6).Draw(rt, "rows") {
		r := service.NumberRow{
			Row: i + 2, Name: strings.TrimSpace(last.Draw(rt, "last") + " " + first.Draw(rt, "first")), BornOn: born.Draw(rt, "born"),
			Level:    rapid.SampledFrom(append([]service.Level{""}, service.Levels...)).Draw(rt, "level"),
			Document: document.Draw(rt, "document"), Number: number.Draw(rt, "number"),
			IssuedOn: rapid.SampledFrom([]service.Day{issuedOn, heldOn.AddDays(-1), today.AddDays(1)}).Draw(rt, "issued"),
			Fault:    rapid.SampledFrom([]service.NumberVerdict{"", "", "", "", service.NumberBadNumber, service.NumberMissing}).Draw(rt, "fault"),
		}
		if r.Fault == "" && r.BornOn.IsZero() && r.Document == "" {
			r.Fault = service.NumberNameAlone
		}
		rows = append(rows, r)
	}
	return rows, apps, taken
}

func TestNoNumberGoesToSomebodyElse(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		rows, apps, taken := anyRows(rt)
		byID := map[int64]service.Application{}
		for _, a := range apps {
			byID[a.ID] = a
		}
		numbers, people := map[string]bool{}, map[int64]bool{}
		matched := service.MatchNumbers(rows, heldOn, today, apps, taken)
		left := map[string]bool{} // numbers whose place others take
		for _, r := range matched {
			if r.Verdict == service.NumberTyped && r.Has != r.Number {
				left[r.Has] = true
			}
		}
		for _, r := range matched {
			retyped := r.Verdict == service.NumberTyped
			if r.Verdict != service.NumberMatched && !retyped {
				continue
			}
			a := byID[r.Application]
			switch {
			case service.FoldName(r.Name) != service.FoldName(a.Name()):
				rt.Errorf("%q goes to %q", r.Name, a.Name())
			case !r.BornOn.IsZero() && r.BornOn != a.BornOn:
				rt.Errorf("born %s goes to born %s", r.BornOn, a.BornOn)
			case r.BornOn.IsZero() && (r.Document == "" || a.IdentityDocument == ""):
				rt.Errorf("a name alone: %+v", r)
			case r.Level != "" && r.Level != a.Level:
				rt.Errorf("%s goes to %s", r.Level, a.Level)
			case !a.Entitled() || a.RegistrationNumber != "" && !retyped || retyped && !a.NumberTyped:
				rt.Errorf("%+v takes no number", a)
			case taken[r.Number] != 0 && taken[r.Number] != a.ID && (!retyped || !left[r.Number]):
				rt.Errorf("%s is taken", r.Number)
			case numbers[r.Number] || people[a.ID]:
				rt.Errorf("%s to %d, twice", r.Number, a.ID)
			case r.IssuedOn.After(today) || r.IssuedOn.Before(heldOn):
				rt.Errorf("issued on %s", r.IssuedOn)
			}
			numbers[r.Number], people[a.ID] = true, true
		}
	})
}

func TestTheOrderOfRowsDoesNotMatter(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		rows, apps, taken := anyRows(rt)
		want := map[int]service.NumberRow{}
		for _, r := range service.MatchNumbers(rows, heldOn, today, apps, taken) {
			want[r.Row] = r
		}
		mixed := rapid.Permutation(rows).Draw(rt, "rows in another order")
		others := rapid.Permutation(apps).Draw(rt, "applications in another order")
		got := map[int]service.NumberRow{}
		for _, r := range service.MatchNumbers(mixed, heldOn, today, others, maps.Clone(taken)) {
			got[r.Row] = r
		}
		if diff := cmp.Diff(want, got); diff != "" {
			rt.Error(diff)
		}
	})
}

// sheetOf makes a sheet of lines of cells.
func sheetOf(lines ...[]string) service.Sheet {
	var s service.Sheet
	for i, cells := range lines {
		if slices.ContainsFunc(cells, func(c string) bool { return c != "" }) {
			s.Rows = append(s.Rows, service.SheetRow{Number: i + 1, Cells: cells})
		}
	}
	return s
}

func cells(s string) []string { return strings.Split(s, "|") }

func TestTablesWithNumbersAreReadTolerantly(t *testing.T) {
	t.Parallel()
	const line = "Каримов|Алишер|Рустамович|17.05.1990|24-10-40538-000001-1|27.02.2026"
	want := service.NumberRow{
		Row: 2, Name: "Каримов Алишер Рустамович", BornOn: bornOn, Number: "24-10-40538-000001-1", IssuedOn: issuedOn,
	}
	at := func(row int, change ...func(*service.NumberRow)) []service.NumberRow {
		r := want
		r.Row = row
		for _, f := range change {
			f(&r)
		}
		return []service.NumberRow{r}
	}
	const heads = "Фамилия|Имя|Отчество|Дата рождения|Регистрационный номер|Дата выдачи"
	tests := []struct {
		name   string
		sheets []service.Sheet
		want   []service.NumberRow
		reason service.Reason
	}{
		{"as the domain names the columns", []service.Sheet{sheetOf(cells(heads), cells(line))}, at(2), ""},
		{"titles in capitals, with points and remarks", []service.Sheet{sheetOf(
			cells("ФАМИЛИЯ *|Имя|Отчество (при наличии)|Дата рождения:|Рег. № сертификата|Дата регистрации в ФИС ФРДО"), cells(line))}, at(2), ""},
		{"the name in one column", []service.Sheet{sheetOf(
			cells("№ п/п|Ф.И.О. сдающего|Реестровый номер|Дата документа|Дата рождения"),
			cells("1|Каримов Алишер Рустамович|24-10-40538-000001-1|27.02.2026|17.05.1990"))}, at(2), ""},
		{"a title above, and the headers in row 4", []service.Sheet{sheetOf(
			cells("Сведения о выданных сертификатах"), cells("за февраль"), nil, cells(heads), cells(line))}, at(5), ""},
		{"headers in row 11", []service.Sheet{sheetOf(
			cells("а"), nil, nil, nil, nil, nil, nil, nil, nil, nil, cells(heads), cells(line))}, nil, service.ReasonFrdoNoHeader},
		{"number and date under a title that spans them", []service.Sheet{sheetOf(
			cells("Фамилия|Имя|Отчество|Дата рождения|Сведения о сертификате|"), cells("||||Номер сертификата|Дата выдачи"), cells(line))}, at(3), ""},
		{
			"our own export with two columns more",
			[]service.Sheet{sheetOf(
				cells("ФАМИЛИЯ|ИМЯ|ОТЧЕСТВО|ДАТА РОЖДЕНИЯ|ТИП СЕРТИФИКАТА|ФАМИЛИЯ НА ЛАТИНИЦЕ|Серия и номер документа, удостоверяющего личность|ПОДПИСИ|Регистрационный номер|Дата выдачи"),
				cells("|||||||Руководитель образовательной организации"),
				cells("КАРИМОВ|АЛИШЕР|РУСТАМОВИЧ|17.05.1990|на уровне, соответствующем цели получения разрешения на работу или патента|KARIMOV|FA 1000001|Петров|24-10-40538-000001-1|27.02.2026"))},
			at(3, func(r *service.NumberRow) {
				r.Name, r.Level, r.Document = "КАРИМОВ АЛИШЕР РУСТАМОВИЧ", service.LevelPatent, "FA 1000001"
			}), "",
		},
		{"twenty columns that nobody needs", []service.Sheet{sheetOf(
			append(cells(heads), slices.Repeat([]string{"Примечание"}, 20)...), append(cells(line), slices.Repeat([]string{"х"}, 20)...))}, at(2), ""},
		{"Excel's own dates", []service.Sheet{sheetOf(cells(heads), cells("Каримов|Алишер|Рустамович|33010|24-10-40538-000001-1|46080"))}, at(2), ""},
		{"hyphens of another kind in the number", []service.Sheet{sheetOf(cells(heads), cells("Каримов|Алишер|Рустамович|17.05.1990|24–10 – 40538‑000001-1|27.02.2026"))}, at(2), ""},
		{
			"an older number",
			[]service.Sheet{sheetOf(cells(heads), cells("Каримов|Алишер|Рустамович|17.05.1990|АБ-0012/16|27.02.2026"))},
			at(2, func(r *service.NumberRow) { r.Number = "АБ-0012/16" }), "",
		},
		{
			"a number that lost a digit",
			[]service.Sheet{sheetOf(cells(heads), cells("Каримов|Алишер|Рустамович|17.05.1990|24-10-40538-00001-1|27.02.2026"))},
			at(2, func(r *service.NumberRow) { r.Number, r.Fault = "24-10-40538-00001-1", service.NumberBadNumber }), "",
		},
		{
			"nonsense for a number",
			[]service.Sheet{sheetOf(cells(heads), cells("Каримов|Алишер|Рустамович|17.05.1990|см. письмо|27.02.2026"))},
			at(2, func(r *service.NumberRow) { r.Number, r.Fault = "см.письмо", service.NumberBadNumber }), "",
		},
		{
			"a formula that failed",
			[]service.Sheet{sheetOf(cells(heads), cells("Каримов|Алишер|Рустамович|17.05.1990|#REF!|27.02.2026"))},
			at(2, func(r *service.NumberRow) { r.Number, r.Fault = "#REF!", service.NumberBadNumber }), "",
		},
		{
			"a date in the place of the number",
			[]service.Sheet{sheetOf(cells(heads), cells("Каримов|Алишер|Рустамович|17.05.1990|2026-02-27|27.02.2026"))},
			at(2, func(r *service.NumberRow) { r.Number, r.Fault = "2026-02-27", service.NumberBadNumber }), "",
		},
		{
			"a row without its number",
			[]service.Sheet{sheetOf(cells(heads), cells("Каримов|Алишер|Рустамович|17.05.1990||27.02.2026"))},
			at(2, func(r *service.NumberRow) { r.Number, r.Fault = "", service.NumberMissing }), "",
		},
		{
			"a row without its date",
			[]service.Sheet{sheetOf(cells(heads), cells("Каримов|Алишер|Рустамович|17.05.1990|24-10-40538-000001-1|"))},
			at(2, func(r *service.NumberRow) { r.IssuedOn, r.Fault = service.Day{}, service.NumberBadDate }), "",
		},
		{
			"a birth date that is none",
			[]service.Sheet{sheetOf(cells(heads), cells("Каримов|Алишер|Рустамович|май 1990|24-10-40538-000001-1|27.02.2026"))},
			at(2, func(r *service.NumberRow) { r.BornOn, r.Fault = service.Day{}, service.NumberBadBirth }), "",
		},
		{
			"a row without its birth date",
			[]service.Sheet{sheetOf(cells(heads), cells("Каримов|Алишер|Рустамович||24-10-40538-000001-1|27.02.2026"))},
			at(2, func(r *service.NumberRow) { r.BornOn, r.Fault = service.Day{}, service.NumberNameAlone }), "",
		},
		{
			"a number without a name",
			[]service.Sheet{sheetOf(cells(heads), cells("-||||24-10-40538-000001-1|27.02.2026"))},
			at(2, func(r *service.NumberRow) { r.Name, r.BornOn, r.Fault = "-", service.Day{}, service.NumberNoName }), "",
		},
		{"a hidden sheet beside it", []service.Sheet{{Name: "тайный", Hidden: true}, sheetOf(cells(heads), cells(line))}, at(2), ""},
		{"a sheet of other things beside it", []service.Sheet{sheetOf(cells("Дата рождения|Памятка"), cells("1|2")), sheetOf(cells(heads), cells(line))}, at(2), ""},
		{"no numbers", []service.Sheet{sheetOf(cells("Фамилия|Имя|Дата рождения|Дата выдачи"), cells("а|б|17.05.1990|27.02.2026"))}, nil, service.ReasonFrdoNoNumber},
		{"the number of the passport is no registration number", []service.Sheet{sheetOf(
			cells("ФИО|Дата рождения|Номер документа, удостоверяющего личность|Дата выдачи"), cells("а|17.05.1990|1|27.02.2026"))}, nil, service.ReasonFrdoNoNumber},
		{"no dates", []service.Sheet{sheetOf(cells("ФИО|Дата рождения|Реестровый номер|Дата выдачи паспорта"), cells("а|17.05.1990|1|27.02.2026"))}, nil, service.ReasonFrdoNoDate},
		{"no names", []service.Sheet{sheetOf(cells("Дата рождения|Реестровый номер|Дата выдачи"), cells("17.05.1990|1|27.02.2026"))}, nil, service.ReasonFrdoNoName},
		{"names alone", []service.Sheet{sheetOf(cells("ФИО|Реестровый номер|Дата выдачи"), cells("а|1|27.02.2026"))}, nil, service.ReasonFrdoNameAlone},
		{"two columns of numbers", []service.Sheet{sheetOf(cells("ФИО|Дата рождения|Номер сертификата|Номер сертификата|Дата выдачи"), cells("а|17.05.1990|1|2|27.02.2026"))}, nil, service.ReasonFrdoTwice},
		{"headers alone", []service.Sheet{sheetOf(cells(heads))}, nil, service.ReasonFrdoNoRows},
		{"nothing of ours", []service.Sheet{sheetOf(cells("Смета|Сумма"), cells("а|1"))}, nil, service.ReasonFrdoNoHeader},
		{"nothing at all", []service.Sheet{{}}, nil, service.ReasonSheetEmpty},
		{"hidden sheets alone", []service.Sheet{{Hidden: true}}, nil, service.ReasonSheetEmpty},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := service.ReadNumbers(tt.sheets)
			if reason := service.ReasonOf(err); reason != tt.reason {
				t.Fatalf("the reason is %q, want %q", reason, tt.reason)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestATableOfTooManyRowsIsRefused(t *testing.T) {
	t.Parallel()
	lines := [][]string{cells("ФИО|Дата рождения|Номер сертификата|Дата выдачи")}
	for i := range service.MostNumbers + 1 {
		lines = append(lines, []string{"Ли", "17.05.1990", fmt.Sprint("АБ-", 1000+i), "27.02.2026"})
	}
	if _, err := service.ReadNumbers([]service.Sheet{sheetOf(lines...)}); service.ReasonOf(err) != service.ReasonFrdoManyRows {
		t.Errorf("the reason is %q", service.ReasonOf(err))
	}
}
