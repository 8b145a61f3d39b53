package service_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/xuri/excelize/v2"

	"flowbot/service"
	"flowbot/service/foreign"
	"flowbot/service/sheet"
	"flowbot/templates"
)

// registry is a center that exchanges tables with ФИС ФРДО.
type registry struct {
	*press
	frdo *service.Frdo
	chat *chatFiles
}

func newRegistry(t *testing.T) *registry {
	t.Helper()
	r := &registry{press: newPress(t), chat: &chatFiles{files: map[string][]byte{}}}
	reader, err := foreign.New(foreign.Options{TempDir: t.TempDir(), Children: 2})
	if err != nil {
		t.Fatal(err)
	}
	texts, err := templates.Load("ru")
	if err != nil {
		t.Fatal(err)
	}
	say := func(reason service.Reason, data any) (string, error) { return texts.HTML(string(reason), data) }
	r.uploads = service.NewUploads(r.store, r.chat, reader, r.files, maxDownload, say, r.now)
	r.frdo = service.NewFrdo(r.store, reader.Book(), r.files, r.uploads, r.certificates, say, r.now)
	return r
}

// ready is an exam whose candidates have all passed and whose protocol is approved.
func (r *registry) ready(applications int, fill ...func(int, *service.Application)) *service.Exam {
	r.t.Helper()
	e := r.exam(applications, append([]func(int, *service.Application){passed}, fill...)...)
	r.approve(e)
	return r.current(e)
}

// exported has an exam exported and returns what its notice brings.
func (r *registry) exported(e *service.Exam, all bool) (service.FrdoNotice, [][]byte) {
	r.t.Helper()
	r.updates++
	if err := r.frdo.Export(r.t.Context(), r.anna, e.ID, all, r.updates); err != nil {
		r.t.Fatal(err)
	}
	job := service.ExportFrdo{ExamID: e.ID, All: all, PersonID: r.anna.PersonID, UpdateID: r.updates}
	if err := r.frdo.WriteExport(r.t.Context(), job); err != nil {
		r.t.Fatal(err)
	}
	var n service.FrdoNotice
	r.newest("frdo", &n)
	_, docs, err := r.frdo.Exported(r.t.Context(), r.anna, n)
	if err != nil {
		r.t.Fatal(err)
	}
	var parts [][]byte
	for _, d := range docs {
		parts = append(parts, r.read(d))
	}
	return n, parts
}

// newest is the newest notice of a kind.
func (r *registry) newest(kind string, into any) {
	r.t.Helper()
	var payload []byte
	err := r.store.Bun().NewRaw(`SELECT payload FROM notices WHERE kind = ? ORDER BY id DESC LIMIT 1`, kind).Scan(r.t.Context(), &payload)
	if err = errors.Join(err, json.Unmarshal(payload, into)); err != nil {
		r.t.Fatal(err)
	}
}

func (r *registry) read(d service.Document) []byte {
	r.t.Helper()
	f, err := d.Open(r.t.Context())
	if err != nil {
		r.t.Fatal(err)
	}
	defer f.Close()
	b, err := io.ReadAll(f)
	if err != nil {
		r.t.Fatal(err)
	}
	return b
}

// quoted is a text as LibreOffice writes it; a number, a date or a formula would
// stand without quotes.
var quoted = regexp.MustCompile(`"(?:[^"]|"")*"`)

// calc has LibreOffice write each sheet of each workbook as a text table, all in
// one run, and returns the sheets' cells by the workbook's place.
func calc(t *testing.T, workbooks [][]byte) [][][]string {
	t.Helper()
	dir, profile := t.TempDir(), t.TempDir()
	args := []string{
		"-env:UserInstallation=file://" + profile, "--headless", "--norestore",
		// Every text in quotes, what is shown, every sheet.
		"--convert-to", "csv:Text - txt - csv (StarCalc):44,34,76,1,,0,true,true,false,false,false,-1", "--outdir", dir,
	}
	for i, b := range workbooks {
		path := filepath.Join(dir, fmt.Sprintf("book%03d.xlsx", i))
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		args = append(args, path)
	}
	if out, err := exec.CommandContext(t.Context(), "soffice", args...).CombinedOutput(); err != nil {
		t.Fatalf("soffice (package libreoffice-calc-nogui): %v\n%s", err, out)
	}
	var all [][][]string
	for i := range workbooks {
		found, err := filepath.Glob(filepath.Join(dir, fmt.Sprintf("book%03d-*.csv", i)))
		if err != nil || len(found) != 1 {
			t.Fatalf("workbook %d has %d sheets: %v", i, len(found), err)
		}
		b, err := os.ReadFile(found[0])
		if err != nil {
			t.Fatal(err)
		}
		if bare := strings.Trim(quoted.ReplaceAllString(string(b), ""), ",\r\n"); bare != "" {
			t.Errorf("workbook %d has cells that are no text: %s", i, bare)
		}
		reader := csv.NewReader(bytes.NewReader(b))
		reader.FieldsPerRecord = -1
		rows, err := reader.ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, rows)
	}
	return all
}

// exportHeads are the two rows of headers of the template.
var exportHeads = [][]string{
	{
		"ФАМИЛИЯ", "ИМЯ", "ОТЧЕСТВО", "ДАТА РОЖДЕНИЯ", "ГОД ВЫПУСКА", "ТИП СЕРТИФИКАТА", "ФАМИЛИЯ НА ЛАТИНИЦЕ", "ИМЯ НА ЛАТИНИЦЕ",
		"ОТЧЕСТВО НА ЛАТИНИЦЕ", "Серия и номер документа, удостоверяющего личность", "Гражданство", "На бланке",
		"Сведения о сертификате [ Наименование | Содержание ]", "", "ПОДПИСИ",
	},
	{
		"", "", "", "", "", "", "", "", "", "", "", "", "Адрес места проведения экзамена", "Адрес места выдачи сертификата",
		"Руководитель образовательной организации",
	},
}

// TestExportIsTheTemplateToTheLetter has another program read what is written.
func TestExportIsTheTemplateToTheLetter(t *testing.T) {
	t.Parallel()
	r := newRegistry(t)
	r.filled()
	nasty := []string{
		"=1+1", "+7900", "-5", "@SUM(A1)", "'кавычка", `"двойная"`, "ёлкина, младшая", "<b>&amp;", "1990", "01.02.1990", "1E5", "true",
		"_x0041_", "#REF!", "=HYPERLINK(\"http://x\",\"y\")", "О’Нил-ибн Ахмад", "ŞAHİN", "½", "\\n", "́Иванов",
	}
	small := r.ready(len(nasty), func(n int, a *service.Application) {
		a.LastName, a.FirstName, a.IdentityDocument = nasty[n-1], nasty[len(nasty)-n], nasty[n-1]
		if n == 2 {
			a.MiddleName, a.Citizenship = "", "XX"
		}
	})
	large := r.ready(205)
	wide := r.ready(60, func(n int, a *service.Application) {
		for _, text := range []*string{&a.MiddleName, &a.LastNameLatin, &a.FirstNameLatin, &a.MiddleNameLatin} {
			n += 100
			*text = noise(n, 1800)
		}
	})
	var books [][]byte
	var want [][][]string
	for _, e := range []*service.Exam{small, large, wide} {
		notice, parts := r.exported(e, false)
		apps := r.applications(e)
		if notice.Rows != len(apps) {
			t.Errorf("the notice tells of %d rows of %d", notice.Rows, len(apps))
		}
		rows, err := sheetRows(t, parts)
		if err != nil {
			t.Fatal(err)
		}
		for i, part := range parts {
			if len(part) > service.FrdoBytes || len(rows[i])-2 > 100 {
				t.Errorf("part %d has %d bytes and %d rows", i+1, len(part), len(rows[i])-2)
			}
			n := len(rows[i]) - 2
			want = append(want, append(slices.Clone(exportHeads), expectedRows(e, apps[:n])...))
			books, apps = append(books, part), apps[n:]
		}
		if len(apps) > 0 {
			t.Errorf("%d are not exported", len(apps))
		}
	}
	if len(books) < 6 {
		t.Errorf("%d files: neither rows nor bytes have split any", len(books))
	}
	for i, got := range calc(t, books) {
		if diff := cmp.Diff(want[i], got); diff != "" {
			t.Errorf("workbook %d as LibreOffice reads it:\n%s", i, diff)
		}
	}
}

// noise is text that cannot be packed.
func noise(seed, letters int) string {
	var b strings.Builder
	for x := uint32(seed)*2654435761 + 1; b.Len() < letters; {
		x = x*1664525 + 1013904223
		b.WriteByte("ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"[x>>27])
	}
	return b.String()
}

// sheetRows are the rows of the only sheet of each workbook, and checks what
// other programs do not tell.
func sheetRows(t *testing.T, workbooks [][]byte) ([][][]string, error) {
	t.Helper()
	var out [][][]string
	for _, b := range workbooks {
		f, err := excelize.OpenReader(bytes.NewReader(b))
		if err != nil {
			return nil, err
		}
		merged, err := f.GetMergeCells(f.GetSheetName(0))
		if err != nil {
			return nil, err
		}
		if len(merged) != 1 || merged[0].GetStartAxis() != "M1" || merged[0].GetEndAxis() != "N1" {
			t.Errorf("merged are %v", merged)
		}
		rows, err := f.GetRows(f.GetSheetName(0))
		if err = errors.Join(err, f.Close()); err != nil {
			return nil, err
		}
		out = append(out, rows)
	}
	return out, nil
}

func expectedRows(e *service.Exam, apps []service.Application) [][]string {
	purpose := map[service.Level]string{
		service.LevelTemporary: "разрешения на временное проживание", service.LevelPermanent: "вида на жительство",
		service.LevelPatent: "разрешения на работу или патента",
	}
	var out [][]string
	for _, a := range apps {
		out = append(out, []string{
			strings.ToUpper(a.LastName), strings.ToUpper(a.FirstName), strings.ToUpper(a.MiddleName), a.BornOn.Russian(), "2026",
			"Сертификат о владении русским языком, знании истории России и основ законодательства Российской Федерации на уровне, " +
				"соответствующем цели получения " + purpose[a.Level],
			strings.ToUpper(a.LastNameLatin), strings.ToUpper(a.FirstNameLatin), strings.ToUpper(a.MiddleNameLatin), a.IdentityDocument,
			a.Citizenship, "Да", e.Address, "г. Тверь, ул. Лесная, д. 5", "И. И. Мостова",
		})
	}
	return out
}

func TestTheSameExportHasTheSameBytes(t *testing.T) {
	t.Parallel()
	r := newRegistry(t)
	r.filled()
	e := r.ready(5)
	first, _ := r.exported(e, false)
	for range 5 {
		again, _ := r.exported(e, false)
		if diff := cmp.Diff(first, again); diff != "" {
			t.Fatal(diff)
		}
	}
	if n := len(r.steps(service.SubjectExam, e.ID, "export_frdo")); n != 6 {
		t.Errorf("%d exports are in the history", n)
	}
}

// steps are the steps of a thing's life of one event.
func (r *registry) steps(subject string, id int64, event string) []service.History {
	r.t.Helper()
	all, err := r.store.HistoryOf(r.t.Context(), subject, id, 1000)
	if err != nil {
		r.t.Fatal(err)
	}
	return slices.DeleteFunc(all, func(h service.History) bool { return h.Event != event })
}

func TestExportTakesThoseWhoHaveNoNumberYetOrAll(t *testing.T) {
	t.Parallel()
	r := newRegistry(t)
	r.filled()
	e := r.ready(6, func(n int, a *service.Application) {
		switch n {
		case 1:
			a.Outcome = service.OutcomeFailed
		case 2:
			a.Outcome, a.Violations = service.OutcomeAbsent, service.ViolationsUnmarked
		case 3:
			a.Violations = service.ViolationsFound
		case 4:
			numbered(n, a)
		}
	})
	for all, want := range map[bool]int{false: 2, true: 3} {
		if n, _ := r.exported(e, all); n.Rows != want {
			t.Errorf("all %v: %d rows, want %d", all, n.Rows, want)
		}
	}
}

func TestAnExportThatLacksSomethingSaysWhat(t *testing.T) {
	t.Parallel()
	r := newRegistry(t)
	e := r.ready(3, func(n int, a *service.Application) {
		if n == 2 {
			a.LastNameLatin, a.IdentityDocument, a.Citizenship = "", "", ""
		}
	})
	err := r.frdo.Export(t.Context(), r.anna, e.ID, false, 1)
	want := service.FrdoLack{
		ExamID: e.ID, ExamNumber: e.Number, CenterID: r.org.ID, Center: []service.FrdoField{service.FrdoIssueAddress, service.FrdoSignatory},
		Applications: []service.FrdoGap{{
			Number: e.Number + "-002",
			Fields: []service.FrdoField{service.FrdoLastNameLatin, service.FrdoIdentityDocument, service.FrdoCitizenship},
		}},
	}
	if diff := cmp.Diff(any(want), service.AsError(err).Data); diff != "" || service.ReasonOf(err) != service.ReasonFrdoIncomplete {
		t.Error(service.ReasonOf(err), diff)
	}
	if n := r.jobs(); n != 0 {
		t.Errorf("%d jobs were ordered", n)
	}
	none := r.ready(1, func(_ int, a *service.Application) { a.Outcome = service.OutcomeFailed })
	all := r.ready(1, numbered)
	for exam, nobody := range map[*service.Exam]bool{none: true, all: false} {
		if err := r.frdo.Export(t.Context(), r.anna, exam.ID, false, 2); service.ReasonOf(err) != service.ReasonFrdoNobody || service.AsError(err).Data != nobody {
			t.Errorf("exam %s: %v, %v", exam.Number, err, service.AsError(err).Data)
		}
	}
	for who, want := range map[*service.Actor]service.Kind{&r.admin: service.Forbidden, &r.stranger: service.NotFound} {
		if err := r.frdo.Export(t.Context(), *who, e.ID, true, 3); service.AsError(err).Kind != want {
			t.Errorf("%s: %v", who.Name, err)
		}
	}
}

func (r *registry) jobs() int {
	r.t.Helper()
	var n int
	if err := r.store.Bun().NewRaw(`SELECT count(*) FROM river_job`).Scan(r.t.Context(), &n); err != nil {
		r.t.Fatal(err)
	}
	return n
}

// numbersOf is a table of ФИС ФРДО about applications: all of them in order.
func numbersOf(apps []service.Application, change ...func(n int, line []string)) []byte {
	var b bytes.Buffer
	b.WriteString("Фамилия;Имя;Отчество;Дата рождения;Реестровый номер;Дата выдачи\n")
	for i, a := range apps {
		line := []string{a.LastName, a.FirstName, a.MiddleName, a.BornOn.Russian(), fmt.Sprintf("24-10-40538-%06d-1", a.ID), "25.02.2026"}
		for _, f := range change {
			f(i+1, line)
		}
		b.WriteString(strings.Join(line, ";") + "\n")
	}
	return b.Bytes()
}

// sent has a table taken and read.
func (r *registry) sent(by service.Actor, e *service.Exam, name string, content []byte) *service.Upload {
	r.t.Helper()
	r.updates++
	ref := fmt.Sprint("numbers", r.updates)
	r.chat.files[ref] = content
	u, err := r.uploads.Receive(r.t.Context(), by, service.UploadInput{
		Purpose: service.UploadNumbers, SubjectID: e.ID, UpdateID: r.updates, ChatRef: ref, Name: name, Size: int64(len(content)),
	})
	if err != nil {
		r.t.Fatal(err)
	}
	if err := r.uploads.Check(r.t.Context(), service.CheckUpload{UploadID: u.ID}); err != nil {
		r.t.Fatal(err)
	}
	if u, err = r.store.Upload(r.t.Context(), u.ID); err != nil {
		r.t.Fatal(err)
	}
	return u
}

func (r *registry) report(by service.Actor, u *service.Upload) *service.NumbersReport {
	r.t.Helper()
	report, err := r.frdo.Report(r.t.Context(), by, u)
	if err != nil {
		r.t.Fatal(err)
	}
	return report
}

func (r *registry) generate(by service.Actor, u *service.Upload, report *service.NumbersReport) (*service.NumbersReport, error) {
	r.t.Helper()
	r.updates++
	return r.frdo.Generate(r.t.Context(), by, service.NumbersInput{
		ExamID: u.SubjectID, UploadID: u.ID, Digest: report.Digest, UpdateID: r.updates,
	})
}

func TestNumbersAreWrittenOnlyAfterTheReport(t *testing.T) {
	t.Parallel()
	r := newRegistry(t)
	r.filled()
	e := r.ready(4)
	apps := r.applications(e)
	u := r.sent(r.anna, e, "ответ.csv", numbersOf(apps[:3]))
	report := r.report(r.anna, u)
	if report.Matched != 3 || report.Remaining != 1 {
		t.Fatalf("%d match, %d remain", report.Matched, report.Remaining)
	}
	if diff := cmp.Diff(apps, r.applications(e)); diff != "" {
		t.Fatalf("something is written before «Сгенерировать»:\n%s", diff)
	}
	if _, err := r.generate(r.anna, u, report); err != nil {
		t.Fatal(err)
	}
	issued := service.NewDay(2026, 2, 25)
	for i, a := range r.applications(e) {
		if i == 3 {
			if a.RegistrationNumber != "" || !a.IssuedOn.IsZero() {
				t.Errorf("%s has %q", a.Number, a.RegistrationNumber)
			}
			continue
		}
		want := apps[i]
		want.RegistrationNumber, want.IssuedOn, want.ValidUntil = fmt.Sprintf("24-10-40538-%06d-1", a.ID), issued, a.Level.ValidUntil(issued)
		want.Revision++
		want.UpdatedAt = a.UpdatedAt
		if diff := cmp.Diff(want, a); diff != "" {
			t.Error(diff)
		}
		if n := len(r.steps(service.SubjectApplication, a.ID, service.ApplicationNumbered)); n != 1 {
			t.Errorf("%d steps of %s", n, a.Number)
		}
	}
	if steps := r.steps(service.SubjectExam, e.ID, service.ExamGenerated); len(steps) != 1 || steps[0].Comment != "3" {
		t.Errorf("the exam's history says %v", steps)
	}
	printings, err := r.store.Printings(t.Context(), e.ID, 0, 10)
	if err != nil || len(printings) != 1 || len(printings[0].Applications) != 3 {
		t.Errorf("%d printings: %v", len(printings), err)
	}
	if _, err := r.generate(r.anna, u, report); service.AsError(err).Kind != service.Conflict {
		t.Errorf("pressed again: %v", err)
	}

	// A second import completes it.
	u = r.sent(r.boris, e, "ещё.csv", numbersOf(apps))
	report = r.report(r.boris, u)
	if report.Matched != 1 || report.Remaining != 0 || report.Count("same") != 3 {
		t.Fatalf("%d match, %d remain, %d are the same", report.Matched, report.Remaining, report.Count("same"))
	}
	if _, err := r.generate(r.boris, u, report); err != nil {
		t.Fatal(err)
	}
	if now := r.current(e); now.CertificateStatus != service.CertificatesToLoad || now.Numbered != 4 {
		t.Errorf("the exam is %s with %d numbers", now.CertificateStatus, now.Numbered)
	}
	err = r.frdo.WhyNoNumbers(t.Context(), r.anna, e.ID)
	if service.ReasonOf(err) != service.ReasonFrdoNumbered {
		t.Errorf("a complete exam takes numbers: %v", err)
	}
}

func TestTheSenderGetsTheTableBackWithResults(t *testing.T) {
	t.Parallel()
	r := newRegistry(t)
	e := r.ready(3)
	r.sent(r.anna, e, "ответ.csv", numbersOf(r.applications(e), func(n int, line []string) {
		switch n {
		case 2:
			line[4] = "нет"
		case 3:
			line[0] = "Чужой"
		}
	}))
	var n service.NumbersNotice
	r.newest("numbers", &n)
	exam, doc, err := r.frdo.Marked(t.Context(), r.anna, n)
	if err != nil || exam.ID != e.ID {
		t.Fatal(exam, err)
	}
	path := filepath.Join(t.TempDir(), "marked.xlsx")
	if err := os.WriteFile(path, r.read(*doc), 0o600); err != nil {
		t.Fatal(err)
	}
	sheets, err := sheet.Read(path)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, row := range sheets[0].Rows {
		got = append(got, row.Cell(6))
	}
	want := []string{"Результат", "подходит, заявка " + e.Number + "-001", "нет верного регистрационного номера", "нет в этом экзамене"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if _, _, err := r.frdo.Marked(t.Context(), r.stranger, n); service.AsError(err).Kind != service.NotFound {
		t.Errorf("another center's staff get it: %v", err)
	}
	if _, _, err := r.frdo.Marked(t.Context(), r.admin, n); service.AsError(err).Kind != service.Forbidden {
		t.Errorf("an admin gets it: %v", err)
	}
}

func TestAReportThatHasChangedIsShownAnewAndWritesNothing(t *testing.T) {
	t.Parallel()
	r := newRegistry(t)
	r.filled()
	e := r.ready(3)
	table := numbersOf(r.applications(e))
	annas, boriss := r.sent(r.anna, e, "а.csv", table), r.sent(r.boris, e, "б.csv", table)
	annaSaw, borisSaw := r.report(r.anna, annas), r.report(r.boris, boriss)
	if _, err := r.generate(r.anna, annas, annaSaw); err != nil {
		t.Fatal(err)
	}
	before := r.applications(e)
	_, err := r.generate(r.boris, boriss, borisSaw)
	report, ok := service.AsError(err).Data.(*service.NumbersReport)
	if service.ReasonOf(err) != service.ReasonFrdoChanged || !ok || report.Matched != 0 || report.Count("same") != 3 {
		t.Fatalf("%v, %+v", err, report)
	}
	if diff := cmp.Diff(before, r.applications(e)); diff != "" {
		t.Error(diff)
	}
	if u, err := r.uploads.Current(t.Context(), r.boris, service.UploadNumbers, e.ID); err != nil || u == nil {
		t.Errorf("the table is gone: %v", err)
	}
}

func TestNothingIsWrittenWhileTheCenterIsIncomplete(t *testing.T) {
	t.Parallel()
	r := newRegistry(t)
	e := r.ready(2)
	before := r.applications(e)
	u := r.sent(r.anna, e, "ответ.csv", numbersOf(before))
	if _, err := r.generate(r.anna, u, r.report(r.anna, u)); service.ReasonOf(err) != service.ReasonCenterIncomplete {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before, r.applications(e)); diff != "" {
		t.Error(diff)
	}
	r.filled()
	if _, err := r.generate(r.anna, u, r.report(r.anna, u)); err != nil {
		t.Errorf("the table is used up: %v", err)
	}
}

func TestNumbersAreRefusedOutOfTurn(t *testing.T) {
	t.Parallel()
	r := newRegistry(t)
	waiting := r.exam(2, passed, func(n int, a *service.Application) {
		if n == 1 {
			a.Violations = service.ViolationsUnmarked
		}
	})
	nobody := r.ready(1, func(_ int, a *service.Application) { a.Outcome = service.OutcomeFailed })
	ready := r.ready(1)
	tests := []struct {
		name   string
		by     service.Actor
		exam   *service.Exam
		reason service.Reason
		data   any
	}{
		{"not ready", r.anna, waiting, service.ReasonFrdoNotReady, service.FrdoUnready{Unsettled: 1, Protocol: service.ProtocolMissing}},
		{"nobody is entitled", r.anna, nobody, service.ReasonFrdoNotNeeded, nil},
		{"ready", r.anna, ready, "", nil},
		{"an admin", r.admin, ready, service.ReasonForbidden, nil},
		{"another center's staff", r.stranger, ready, service.ReasonNotFound, nil},
	}
	for _, tt := range tests {
		err := r.frdo.WhyNoNumbers(t.Context(), tt.by, tt.exam.ID)
		var data any
		if err != nil {
			data = service.AsError(err).Data
		}
		if diff := cmp.Diff(tt.data, data); diff != "" || service.ReasonOf(err) != tt.reason {
			t.Errorf("%s: %v %s", tt.name, err, diff)
		}
	}
	// A table can lie from when the exam was ready.
	r.filled()
	u := r.sent(r.anna, ready, "ответ.csv", numbersOf(r.applications(ready)))
	report := r.report(r.anna, u)
	if _, err := r.store.Bun().NewRaw(`UPDATE exams SET protocol_status = 'to_check' WHERE id = ?`, ready.ID).Exec(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := r.generate(r.anna, u, report); service.ReasonOf(err) != service.ReasonFrdoNotReady {
		t.Errorf("generated for an exam that is not ready: %v", err)
	}
}

func TestATableOfAnotherExamIsRecognised(t *testing.T) {
	t.Parallel()
	r := newRegistry(t)
	e := r.ready(3)
	other := r.ready(5, func(_ int, a *service.Application) { a.LastName = "Другой" + a.LastName })
	report := r.report(r.anna, r.sent(r.anna, e, "не тот.csv", numbersOf(r.applications(other))))
	if report.Matched != 0 || report.Count("not_here") != 5 || report.Elsewhere != other.Number {
		t.Errorf("%d match, %d are not here, it is of %q", report.Matched, report.Count("not_here"), report.Elsewhere)
	}
}

func TestANumberOfTheInstallationIsNotGivenTwice(t *testing.T) {
	t.Parallel()
	r := newRegistry(t)
	r.filled()
	elsewhere := r.examOf(r.stranger.Orgs(service.RoleCenterStaff)[0], 1, func(n int, a *service.Application) {
		passed(n, a)
		a.RegistrationNumber, a.IssuedOn = "24-10-40538-999999-1", service.NewDay(2026, 2, 25)
	})
	e := r.ready(2)
	u := r.sent(r.anna, e, "ответ.csv", numbersOf(r.applications(e), func(n int, line []string) {
		if n == 1 {
			line[4] = "24-10-40538-999999-1"
		}
	}))
	report := r.report(r.anna, u)
	if report.Matched != 1 || report.Count("taken") != 1 {
		t.Fatalf("%d match, %d are taken", report.Matched, report.Count("taken"))
	}
	if _, err := r.generate(r.anna, u, report); err != nil {
		t.Fatal(err)
	}
	if got := r.applications(elsewhere)[0].RegistrationNumber; got != "24-10-40538-999999-1" {
		t.Errorf("the other one has %q", got)
	}
}

// atOnce generates from several tables at one moment and returns the refusals.
func (r *registry) atOnce(presses ...service.NumbersInput) (refused []error) {
	r.t.Helper()
	out := make([]error, len(presses))
	var wg sync.WaitGroup
	for i, in := range presses {
		by := []service.Actor{r.anna, r.boris}[i%2]
		in.UpdateID = 1000 + int64(i)
		wg.Go(func() { _, out[i] = r.frdo.Generate(r.t.Context(), by, in) })
	}
	wg.Wait()
	return slices.DeleteFunc(out, func(err error) bool { return err == nil })
}

func TestOfTwoWhoGenerateAtOneMomentOneDoes(t *testing.T) {
	t.Parallel()
	r := newRegistry(t)
	r.filled()
	e := r.ready(3)
	var presses []service.NumbersInput
	for i, by := range []service.Actor{r.anna, r.boris} {
		u := r.sent(by, e, "ответ.csv", numbersOf(r.applications(e), func(n int, line []string) {
			line[4] = fmt.Sprintf("24-10-40538-%03d%03d-1", i+1, n)
		}))
		presses = append(presses, service.NumbersInput{ExamID: e.ID, UploadID: u.ID, Digest: r.report(by, u).Digest})
	}
	refused := r.atOnce(presses...)
	if len(refused) != 1 || service.ReasonOf(refused[0]) != service.ReasonFrdoChanged {
		t.Errorf("refused: %v", refused)
	}
	whose := map[string]bool{}
	for _, a := range r.applications(e) {
		if n := len(r.steps(service.SubjectApplication, a.ID, service.ApplicationNumbered)); n != 1 || a.RegistrationNumber == "" {
			t.Errorf("%s has %q after %d steps", a.Number, a.RegistrationNumber, n)
		} else {
			whose[a.RegistrationNumber[:15]] = true
		}
	}
	if len(whose) != 1 {
		t.Errorf("numbers of both tables are written: %v", whose)
	}
	if list, err := r.store.Printings(t.Context(), e.ID, 0, 10); err != nil || len(list) != 1 {
		t.Errorf("%d printings, %v", len(list), err)
	}
}

func TestANumberIsNotGivenToTwoExamsAtOneMoment(t *testing.T) {
	t.Parallel()
	r := newRegistry(t)
	r.filled()
	exams := []*service.Exam{r.ready(2), r.ready(2)}
	var presses []service.NumbersInput
	for i, by := range []service.Actor{r.anna, r.boris} {
		u := r.sent(by, exams[i], "ответ.csv", numbersOf(r.applications(exams[i]), func(n int, line []string) {
			line[4] = fmt.Sprintf("24-10-40538-%06d-1", n)
		}))
		presses = append(presses, service.NumbersInput{ExamID: exams[i].ID, UploadID: u.ID, Digest: r.report(by, u).Digest})
	}
	refused := r.atOnce(presses...)
	if len(refused) != 1 || service.AsError(refused[0]).Kind != service.Conflict {
		t.Errorf("refused: %v", refused)
	}
	written := 0
	for _, e := range exams {
		for _, a := range r.applications(e) {
			if a.RegistrationNumber != "" {
				written++
			}
		}
	}
	if written != 2 {
		t.Errorf("%d applications have a number", written)
	}
}

func TestBadTablesAreRefusedInWords(t *testing.T) {
	t.Parallel()
	r := newRegistry(t)
	e := r.ready(1)
	tests := []struct {
		name    string
		content []byte
		reason  service.Reason
	}{
		{"старый.xls", append([]byte{0xD0, 0xCF, 0x11, 0xE0, 0xA1, 0xB1, 0x1A, 0xE1}, make([]byte, 600)...), service.ReasonSheetOld},
		{"без номеров.csv", []byte("ФИО;Дата рождения;Дата выдачи\nа;17.05.1990;25.02.2026\n"), service.ReasonFrdoNoNumber},
		{"имена.csv", []byte("ФИО;Рег. номер;Дата выдачи\nа;АБ-1;25.02.2026\n"), service.ReasonFrdoNameAlone},
		{"пусто.csv", []byte("\n"), service.ReasonSheetEmpty},
		{"картинка.xlsx", picture(t, 1, true), service.ReasonSheetUnreadable},
		{"миллион строк.xlsx", millionRows(t), service.ReasonSheetTooManyRows},
		{"скрыто.xlsx", hiddenRows(t), service.ReasonSheetEmpty},
	}
	for _, tt := range tests {
		u := r.sent(r.anna, e, tt.name, tt.content)
		if u.State != service.UploadRefused || u.Reason != tt.reason || u.Words == "" {
			t.Errorf("%s: %s, %s, %q", tt.name, u.State, u.Reason, u.Words)
		}
		if _, err := r.frdo.Report(t.Context(), r.anna, u); service.ReasonOf(err) != service.ReasonFrdoNoFile {
			t.Errorf("%s: a report of nothing: %v", tt.name, err)
		}
		if _, err := r.generate(r.anna, u, &service.NumbersReport{Digest: 1}); service.ReasonOf(err) != service.ReasonFrdoNoFile {
			t.Errorf("%s: generated: %v", tt.name, err)
		}
	}
}

// filledBook is a workbook as Excel would write it.
func filledBook(t *testing.T, fill func(f *excelize.File) error) []byte {
	t.Helper()
	f := excelize.NewFile()
	defer f.Close()
	if err := fill(f); err != nil {
		t.Fatal(err)
	}
	b, err := f.WriteToBuffer()
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// millionRows has its last row where Excel ends. It is written as a stream: a book in
// memory would make all rows before it, of more than a gigabyte.
func millionRows(t *testing.T) []byte {
	t.Helper()
	return filledBook(t, func(f *excelize.File) error {
		w, err := f.NewStreamWriter("Sheet1")
		if err != nil {
			return err
		}
		return errors.Join(w.SetRow("A1", []any{"ФИО", "Дата рождения", "Рег. номер", "Дата выдачи"}), w.SetRow("A1048576", []any{"Ли"}), w.Flush())
	})
}

// hiddenRows has what it has on a sheet that nobody sees.
func hiddenRows(t *testing.T) []byte {
	t.Helper()
	return filledBook(t, func(f *excelize.File) error {
		if _, err := f.NewSheet("Тайный"); err != nil {
			return err
		}
		return errors.Join(f.SetSheetRow("Тайный", "A1", &[]string{"ФИО", "Дата рождения", "Рег. номер", "Дата выдачи"}),
			f.SetSheetRow("Тайный", "A2", &[]string{"Ли", "17.05.1990", "АБ-1", "25.02.2026"}), f.SetSheetVisible("Тайный", false))
	})
}

func TestOurOwnFormOfTheAnswerIsRead(t *testing.T) {
	t.Parallel()
	r := newRegistry(t)
	e := r.ready(1)
	a := r.applications(e)[0]
	path := r.center.filled("frdo-response", tab{"Номера ФИС ФРДО", [][]any{
		{"Фамилия", "Имя", "Отчество", "Дата рождения", "Тип сертификата", "Реестровый номер", "Дата выдачи"},
		{a.LastName, a.FirstName, a.MiddleName, a.BornOn.Russian(), "разрешения на работу или патента", "24-10-40538-000002-1", "27.02.2026"},
	}})
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	u := r.sent(r.anna, e, "ответ.xlsx", content)
	if u.State != service.UploadAccepted {
		t.Fatal(u.Words)
	}
	if report := r.report(r.anna, u); report.Matched != 1 {
		t.Errorf("%+v", report.Rows)
	}
}

func TestAWorkbookWithTitlesAndFormulasIsRead(t *testing.T) {
	t.Parallel()
	r := newRegistry(t)
	e := r.ready(2)
	apps := r.applications(e)
	content := filledBook(t, func(f *excelize.File) error {
		all := []error{
			f.MergeCell("Sheet1", "A1", "T1"), f.SetCellStr("Sheet1", "A1", "Сведения о сертификатах"),
			f.SetSheetRow("Sheet1", "A3", &[]string{"№", "ФИО", "Дата рождения", "Рег. номер", "Дата выдачи"}),
		}
		for i, a := range apps {
			at := strconv.Itoa(4 + i)
			all = append(all, f.SetSheetRow("Sheet1", "A"+at, &[]any{i + 1, a.Name(), a.BornOn.Russian(), fmt.Sprintf("24-10-40538-%06d-1", i+1), 46078}))
		}
		all = append(all, f.SetCellFormula("Sheet1", "E5", "DATE(2026,2,25)"))
		return errors.Join(all...)
	})
	u := r.sent(r.anna, e, "ответ.xlsx", content)
	if u.State != service.UploadAccepted {
		t.Fatal(u.Words)
	}
	if report := r.report(r.anna, u); report.Matched != 2 {
		t.Errorf("%d match, %v", report.Matched, report.Rows)
	}
}
