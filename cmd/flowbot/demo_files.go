package main

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"
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
	book := excelize.NewFile()
	defer func() { _ = book.Close() }()
	for name, rows := range map[string][][]string{
		"Потоки":    {sampleCohortHeader, c.row(today)},
		"Слушатели": append([][]string{sampleHeader}, c.rows(today)...),
	} {
		if _, err := book.NewSheet(name); err != nil {
			return nil, err
		}
		for n, row := range rows {
			if err := book.SetSheetRow(name, fmt.Sprintf("A%d", n+1), &row); err != nil {
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
