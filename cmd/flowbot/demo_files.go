package main

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/signintech/gopdf"
	"github.com/xuri/excelize/v2"
	"golang.org/x/image/font"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/math/fixed"

	"flowbot/service"
	"flowbot/templates"
)

// sampleJournal draws an invented journal of a cohort, A4, in mm.
func sampleJournal(c *sampleCohort, today service.Day) ([]byte, error) {
	const left, top, bottom, line = 15.0, 18.0, 280.0, 7.0
	columns := []struct {
		title string
		x     float64
		cell  int // of the learner's row
	}{
		{"Рег. №", left, 10}, {"Фамилия, имя, отчество", left + 24, -1}, {"Серия и номер", left + 102, -2}, {"Выдан", left + 140, 11}, {"Подпись", left + 163, -3},
	}
	typeface, err := templates.Font(templates.FontSerif)
	if err != nil {
		return nil, err
	}
	doc := &gopdf.GoPdf{}
	doc.Start(gopdf.Config{Unit: gopdf.UnitMM, PageSize: gopdf.Rect{W: 210, H: 297}})
	doc.SetInfo(gopdf.PdfInfo{Title: "Журнал " + c.number, CreationDate: today.At(0, 0, time.UTC)})
	if err := doc.AddTTFFontData("serif", typeface); err != nil {
		return nil, err
	}
	var failed error
	put := func(x, y float64, text string) {
		doc.SetXY(x, y)
		if err := doc.Cell(nil, text); err != nil && failed == nil {
			failed = err
		}
	}
	y := bottom
	for n, row := range c.rows(today) {
		if len(row) <= 7 {
			continue // no document, so nothing was handed over
		}
		if y >= bottom {
			doc.AddPage()
			y = top
			if err := doc.SetFont("serif", "", 13); err != nil {
				return nil, err
			}
			put(left, y, "Журнал регистрации выданных документов о квалификации")
			if err := doc.SetFont("serif", "", 10); err != nil {
				return nil, err
			}
			put(left, y+line, sampleOrgs[c.org].Name+", поток № "+c.number)
			y += 2.5 * line
			for _, col := range columns {
				put(col.x, y, col.title)
			}
			doc.Line(left, y+line-1, 195, y+line-1)
			y += line
		}
		for _, col := range columns {
			var text string
			switch col.cell {
			case -1:
				text = strings.Join(row[2:5], " ")
			case -2:
				text = row[8] + " " + row[9]
			case -3:
				text = fmt.Sprintf("подпись %d", n+1)
			default:
				text = row[col.cell]
			}
			put(col.x, y, text)
		}
		y += line
	}
	var out bytes.Buffer
	if failed != nil {
		return nil, failed
	}
	if _, err := doc.WriteTo(&out); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// sampleScreenshot draws what a page of ФИС ФРДО might look like with rows of
// the cohort, of its first or of its second half; pages count from 1.
func sampleScreenshot(c *sampleCohort, today service.Day, page int) ([]byte, error) {
	const width, height, rowHeight, perPage = 1280, 760, 40, 14
	typeface, err := templates.Font(templates.FontSans)
	if err != nil {
		return nil, err
	}
	parsed, err := opentype.Parse(typeface)
	if err != nil {
		return nil, err
	}
	face, err := opentype.NewFace(parsed, &opentype.FaceOptions{Size: 20, DPI: 72, Hinting: font.HintingFull})
	if err != nil {
		return nil, err
	}
	img := image.NewRGBA(image.Rect(0, 0, width, height))
	fill := func(r image.Rectangle, c color.Color) {
		draw.Draw(img, r, image.NewUniform(c), image.Point{}, draw.Src)
	}
	text := func(x, y int, s string, c color.Color) {
		(&font.Drawer{Dst: img, Src: image.NewUniform(c), Face: face, Dot: fixed.P(x, y)}).DrawString(s)
	}
	fill(img.Bounds(), color.White)
	fill(image.Rect(0, 0, width, 64), color.RGBA{R: 0x1f, G: 0x4e, B: 0x8c, A: 0xff})
	text(24, 40, fmt.Sprintf("ФИС ФРДО (рисунок для демонстрации) · поток %s · лист %d", c.number, page), color.White)
	y := 110
	rows := c.rows(today)
	half := min(perPage, (c.learners-c.bare+1)/2)
	for n := (page - 1) * half; n < min(len(rows), page*half); n++ {
		if len(rows[n]) <= 7 {
			continue
		}
		if n%2 == 0 {
			fill(image.Rect(0, y-28, width, y+12), color.RGBA{R: 0xee, G: 0xf3, B: 0xfa, A: 0xff})
		}
		text(24, y, rows[n][10], color.Black)
		text(160, y, strings.Join(rows[n][2:5], " "), color.Black)
		text(700, y, rows[n][8]+" "+rows[n][9], color.Black)
		text(960, y, "сведения внесены", color.RGBA{R: 0x1b, G: 0x7a, B: 0x3d, A: 0xff})
		y += rowHeight
	}
	var out bytes.Buffer
	if err := png.Encode(&out, img); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// sampleWorkbook is a table with a cohort that is not there yet.
func sampleWorkbook(today service.Day) ([]byte, error) {
	c := sampleCohort{number: "121", org: "ступени", program: "Делопроизводство и архивное дело", start: -35, end: -1, learners: 5}
	return sampleWorkbookOf(
		sampleSheet("Потоки", sampleCohortHeader, [][]string{c.row(today)}), sampleSheet("Слушатели", sampleHeader, c.rows(today)),
	)
}

// sampleWorkbookOf writes sheets of text.
func sampleWorkbookOf(sheets ...service.Sheet) ([]byte, error) {
	book := excelize.NewFile()
	defer func() { _ = book.Close() }()
	for _, s := range sheets {
		if _, err := book.NewSheet(s.Name); err != nil {
			return nil, err
		}
		for _, row := range s.Rows {
			if err := book.SetSheetRow(s.Name, fmt.Sprintf("A%d", row.Number), &row.Cells); err != nil {
				return nil, err
			}
		}
	}
	if err := book.DeleteSheet("Sheet1"); err != nil {
		return nil, err
	}
	var out bytes.Buffer
	if err := book.Write(&out); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// sampleFile is a file for a visitor to send.
type sampleFile struct {
	name string
	draw func() ([]byte, error) // nil: it is drawn while the demo runs already
}

// sampleStep tells a visitor where to send what.
type sampleStep struct {
	where string // phone and button
	files []sampleFile
	words string       // what to say there, beside or instead of files
	quiet []sampleFile // more files, which the list leaves out
}

// sampleSteps are what can be sent, in the order of a day.
func sampleSteps(today service.Day) []sampleStep {
	ready, marked := sampleExamOf("316"), sampleExamOf("317")
	steps := []sampleStep{
		{where: "«Центр», exam 317", files: []sampleFile{{"Результаты 317.xlsx", func() ([]byte, error) {
			return sampleWorkbookOf(sampleSheet("Результаты", sampleResultHeader, marked.resultRows(false)))
		}}}},
		{where: "«Центр», exam 317, «Протокол»", words: "no. " + marked.protocolNumber(today) + ", " + today.AddDays(marked.held).Russian(), files: []sampleFile{{"Протокол 317.pdf", func() ([]byte, error) {
			return sampleProtocol(marked, today)
		}}}},
		{where: "«Центр», exam 316, «Импортировать сертификаты»", words: "the second completes the first", files: []sampleFile{
			{"Ответ ФИС ФРДО 316.xlsx", func() ([]byte, error) {
				return sampleWorkbookOf(sampleFirstAnswer(ready, today).sheet("Сертификаты"))
			}},
			{"Ответ ФИС ФРДО 316, исправленный.csv", func() ([]byte, error) { return sampleAnswer(ready, today).text() }},
		}},
		{where: "«Центр», application 316-01, «Загрузить сертификат»", words: "blank " + sampleBlank(sampleOneBlank), files: []sampleFile{
			{sampleOneFile, nil},
		}},
		{where: "«Центр», exam " + sampleScanned + ", «Загрузить сканы»", words: "drawn within a minute; the photos as an album", files: []sampleFile{
			{sampleBatchFile, nil}, {samplePhotoFile(1), nil}, {samplePhotoFile(2), nil}, {samplePhotoFile(3), nil},
		}},
		{where: "«Центр», exam " + samplePacked + ", «Загрузить сканы»", words: "one file is called by another's number", files: []sampleFile{{sampleZipFile, nil}}},
		{where: "«Центр»", files: []sampleFile{{"Экзамен 326 и заявки.xlsx", func() ([]byte, error) { return sampleNewExam(today) }}}},
		{where: "«Сдающий 2», /start", words: "own number, " + sampleUnlinked.born + ", " + sampleUnlinked.document[len(sampleUnlinked.document)-4:]},
	}
	journals := sampleStep{where: "«Партнёр», «Журнал и скриншоты»", words: "and the screenshots"}
	for k := range sampleCohorts {
		c := &sampleCohorts[k]
		if c.submitted != 0 || c.bare == c.learners {
			continue
		}
		journals.files = append(journals.files, sampleFile{"Журнал потока " + c.number + ".pdf", func() ([]byte, error) { return sampleJournal(c, today) }})
		for page := 1; page <= 2; page++ {
			journals.quiet = append(journals.quiet, sampleFile{fmt.Sprintf("Скриншот потока %s, %d.png", c.number, page), func() ([]byte, error) {
				return sampleScreenshot(c, today, page)
			}})
		}
	}
	steps = append(steps, journals)
	return append(steps, sampleStep{where: "«Администратор»", files: []sampleFile{{"Потоки и слушатели.xlsx", func() ([]byte, error) {
		return sampleWorkbook(today)
	}}}})
}

// sampleList is the file beside those to send that says where each goes.
const sampleList = ".list"

// writeSampleFiles leaves files for a visitor to send, and the list of what goes
// where.
func writeSampleFiles(dir string, today service.Day) error {
	var list strings.Builder
	write := func(name string, b []byte) error {
		return os.WriteFile(filepath.Join(dir, name), b, 0o644) //nolint:gosec // for the visitor to read
	}
	for _, step := range sampleSteps(today) {
		told := []string{}
		for n, f := range slices.Concat(step.files, step.quiet) {
			if n < len(step.files) {
				told = append(told, f.name)
			}
			if f.draw == nil {
				continue
			}
			b, err := f.draw()
			if err == nil {
				err = write(f.name, b)
			}
			if err != nil {
				return fmt.Errorf("%s: %w", f.name, err)
			}
		}
		line := strings.Join(told, "; ")
		switch {
		case line == "":
			line = step.words
		case step.words != "":
			line += " (" + step.words + ")"
		}
		fmt.Fprintf(&list, "  %s: %s\n", step.where, line)
	}
	return write(sampleList, []byte(list.String()))
}
