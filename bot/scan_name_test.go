package bot_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"flowbot/service"
)

// TestNamesOfScansAreAPersonsWord sends archives in which one file is called as
// another application, one as none, one cannot be read, and some are no scans at
// all.
func TestNamesOfScansAreAPersonsWord(t *testing.T) {
	t.Parallel()
	d, anna := scanner(t, deskOptions{})
	e := d.scanning("118", 7)
	d.scanning("119", 1, func(_ int, a *service.Application) { a.RegistrationNumber = "24-10-40538-000901-1" })
	d.quietly()

	d.says(anna, "Загрузить сканы · 118")
	d.sends(anna, d.archive("сканы.zip",
		zipFile{"118-01.jpg", d.certificate("118-01")},
		zipFile{"118-03.jpg", d.certificate("118-02")},
		zipFile{"IMG_0012.jpg", d.certificate("118-04")},
		zipFile{"118-05.jpg", d.nobodys("118-05")},
		zipFile{"договор.docx", d.archive("", zipFile{"[Content_Types].xml", []byte("<Types/>")}).Data},
		zipFile{"внутри.zip", d.archive("", zipFile{"118-06.jpg", d.certificate("118-06")}).Data}))
	d.tg.Note("a document of four pages in an archive, and a name from another exam")
	d.sends(anna, d.archive("ещё.zip",
		zipFile{"пачка.pdf", d.bound("", d.certificate("118-06"), d.page(said{empty: true}), d.page(said{empty: true}), d.nobodys("118-07")).Data},
		zipFile{"../119-01.jpg", d.certificate("118-03")},
		zipFile{"читай.txt", []byte("Добрый день")}))
	d.presses(anna, "Отложенные страницы", "читай.txt", "Отложенные страницы", "Стр. 2 · пачка.pdf")
	d.tg.Note("nothing but what is no scan, more than a list shows at once")
	var papers []zipFile
	for n := range 9 {
		papers = append(papers, zipFile{fmt.Sprintf("бумаги/письмо %d.txt", n+1), []byte("Добрый день")})
	}
	d.sends(anna, d.archive("бумаги.zip", papers...))
	d.presses(anna, "Это сканы сертификатов")
	d.says(anna, "Загрузить сканы · 118")
	d.sends(anna, d.archive("бумаги.zip", papers...))
	d.presses(anna, "Готово", "Отложенные страницы", "Дальше →")
	d.tg.Note("what is asked")
	d.says(anna, "Нераспознанные · 118")
	d.presses(anna, "Каримов03 А. Р.", "Каримов02 А. Р.")
	d.presses(anna, "Каримов05 А. Р.", "Назад", "Каримов05 А. Р.", "Да, верно")
	golden(t, "scan_names", d.tg.Transcript())
	want := []string{
		"118-01 blank 4815162342001 v1", "118-02 blank 4815162342002 v1", "118-03 none", "118-04 blank 4815162342004 v1",
		"118-05 blank  v1", "118-06 blank 4815162342006 v1", "118-07 none",
	}
	if diff := cmp.Diff(want, d.attached(e)); diff != "" {
		t.Error(diff)
	}
}
