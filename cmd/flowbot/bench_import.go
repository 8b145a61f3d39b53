package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/xuri/excelize/v2"

	"flowbot/service"
)

// Size of the workbook that is imported. Source: 20,000 applications is about a
// week of the whole country, see the domain, section 6.
const (
	importedApplications = 20_000
	importedInExam       = 50
	importedCenters      = 20
)

// benchImport measures the command that imports a workbook of exams,
// applications and results: how long it takes, the start of the program and the
// reading of the file included, and the most memory that it and the process in
// which it reads the file hold together. The database server is not counted.
func benchImport(ctx context.Context, p *program) (err error) {
	st, err := newStage(ctx, p)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, st.close()) }()
	for n := range importedCenters {
		if _, err := st.i.people.AddOrg(ctx, service.CommandLine, service.NewOrg{Kind: service.OrgCenter, Name: importedCenter(n)}); err != nil {
			return err
		}
	}
	first := filepath.Join(st.i.settings.DataDir, "first.xlsx")
	second := filepath.Join(st.i.settings.DataDir, "second.xlsx")
	for path, name := range map[string]string{first: "Каримов", second: "Рахимов"} {
		if err := importedBook(path, name); err != nil {
			return err
		}
	}
	for _, step := range []struct{ name, path string }{
		{"all of them new", first}, {"the same file again", first}, {"every application changed", second},
	} {
		took, most, err := st.importing(ctx, step.path)
		if err != nil {
			return fmt.Errorf("%s: %w", step.name, err)
		}
		_, err = fmt.Fprintf(p.out, "%d applications, %-28s %6.1f s, at most %.0f MB\n", importedApplications, step.name, took.Seconds(), most)
		if err != nil {
			return err
		}
	}
	return nil
}

func importedCenter(n int) string {
	return fmt.Sprintf("Центр тестирования № %d", n+1)
}

// importedBook writes the workbook; last is the last name of everybody in it.
func importedBook(path, last string) (err error) {
	f := excelize.NewFile()
	defer func() { err = errors.Join(err, f.Close()) }()
	sheet := func(name string, head []any, rows int, row func(int) []any) error {
		if _, err := f.NewSheet(name); err != nil {
			return err
		}
		w, err := f.NewStreamWriter(name)
		if err != nil {
			return err
		}
		for n := -1; n < rows; n++ {
			cells := head
			if n >= 0 {
				cells = row(n)
			}
			if err := w.SetRow("A"+strconv.Itoa(n+2), cells); err != nil {
				return err
			}
		}
		return w.Flush()
	}
	exam := func(n int) string { return "Э-" + strconv.Itoa(n+1) }
	application := func(n int) string { return "З-" + strconv.Itoa(n+1) }
	err = errors.Join(
		sheet("Экзамены", []any{"Номер экзамена", "Центр тестирования", "Площадка", "Адрес проведения", "Дата и время"},
			importedApplications/importedInExam, func(n int) []any {
				return []any{exam(n), importedCenter(n % importedCenters), "Площадка № 1", "г. Тверь, ул. Лесная, д. 5", "24.02.2026 10:00"}
			}),
		sheet("Заявки", []any{
			"Номер экзамена", "Номер заявки", "Уровень", "Фамилия", "Имя", "Отчество", "Фамилия латиницей", "Имя латиницей", "Отчество латиницей",
			"Дата рождения", "Пол", "Серия и номер документа", "Гражданство", "Телефон", "Язык",
		}, importedApplications, func(n int) []any {
			return []any{
				exam(n / importedInExam), application(n), []string{"Патент", "РВП", "ВНЖ"}[n%3], last, "Алишер", "Рустамович",
				"KARIMOV", "ALISHER", "RUSTAMOVICH", service.NewDay(1970, time.January, 1+n%10_000).Russian(), "М",
				fmt.Sprintf("FA %07d", n), "Узбекистан", fmt.Sprintf("7900%07d", n), "узбекский",
			}
		}),
		sheet("Результаты", []any{"Номер заявки", "Результат", "Нарушения", "Комментарий"}, importedApplications, func(n int) []any {
			return []any{application(n), []string{"Сдал", "Сдал", "Сдал", "Не сдал", "Не явился"}[n%5], "Нет", ""}
		}),
		f.DeleteSheet("Sheet1"),
	)
	if err != nil {
		return fmt.Errorf("write workbook: %w", err)
	}
	return f.SaveAs(path)
}

// importing runs the command and watches its memory, in MB.
func (st *stage) importing(ctx context.Context, path string) (took time.Duration, most float64, err error) {
	self, err := os.Executable()
	if err != nil {
		return 0, 0, err
	}
	cmd := exec.CommandContext(ctx, self, "import", path) //nolint:gosec // this program
	cmd.Env = append(os.Environ(), "DATABASE_URL="+st.i.url, "DATA_DIR="+st.i.settings.DataDir)
	cmd.Stdout, cmd.Stderr = st.log, st.log
	begun := time.Now()
	if err := cmd.Start(); err != nil {
		return 0, 0, err
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case err := <-ended:
			return time.Since(begun), most, err
		case <-tick.C:
			total := 0.0
			for _, pid := range family(cmd.Process.Pid) {
				if now, _, err := memory(pid); err == nil { // else it has ended
					total += now
				}
			}
			most = max(most, total)
		}
	}
}

// family lists a process and those that it has started, down to the last.
// Source: proc(5), /proc/PID/task/TID/children.
func family(pid int) []int {
	out := []int{pid}
	lists, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	if err != nil {
		return out
	}
	for _, list := range lists {
		text, err := os.ReadFile(list)
		if err != nil {
			continue
		}
		for word := range strings.FieldsSeq(string(text)) {
			if child, err := strconv.Atoi(word); err == nil {
				out = append(out, family(child)...)
			}
		}
	}
	return out
}
