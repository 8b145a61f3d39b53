package main

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/signintech/gopdf"
	"golang.org/x/text/encoding/charmap"

	"flowbot/service"
	"flowbot/service/pdf"
	"flowbot/templates"
)

// sampleProtocol draws an invented protocol of an exam, A4, in mm.
func sampleProtocol(e *sampleExam, today service.Day) ([]byte, error) {
	const left, top, line = 20.0, 25.0, 8.0
	typeface, err := templates.Font(templates.FontSerif)
	if err != nil {
		return nil, err
	}
	doc := &gopdf.GoPdf{}
	doc.Start(gopdf.Config{Unit: gopdf.UnitMM, PageSize: gopdf.Rect{W: 210, H: 297}})
	doc.SetInfo(gopdf.PdfInfo{Title: "Протокол " + e.protocolNumber(today), CreationDate: today.At(0, 0, time.UTC)})
	if err := doc.AddTTFFontData("serif", typeface); err != nil {
		return nil, err
	}
	doc.AddPage()
	if err := doc.SetFont("serif", "", 12); err != nil {
		return nil, err
	}
	lines := []string{
		"Протокол № " + e.protocolNumber(today), sampleOrgs["мост"].Name,
		"Экзамен № " + e.number + " от " + today.AddDays(e.held).Russian(), "",
	}
	for n := range min(len(e.candidates), 25) {
		c := &e.candidates[n]
		lines = append(lines, fmt.Sprintf("%d. %s: %s", n+1, c.full(), c.outcome()))
	}
	lines = append(lines, "", "Председатель комиссии: подпись")
	for n, text := range lines {
		doc.SetXY(left, top+float64(n)*line)
		if err := doc.Cell(nil, text); err != nil {
			return nil, err
		}
	}
	var out bytes.Buffer
	if _, err := doc.WriteTo(&out); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// sampleTable is a table that is sent as a workbook or as a text.
type sampleTable [][]string

// sampleAnswer is what the register might answer for an exam: a row for each who
// is entitled to a certificate.
func sampleAnswer(e *sampleExam, today service.Day) sampleTable {
	out := sampleTable{{
		"№ п/п", "Фамилия", "Имя", "Отчество", "Дата рождения", "Тип сертификата", "Серия и номер документа, удостоверяющего личность",
		"Регистрационный номер", "Дата регистрации",
	}}
	types := map[string]string{
		"Патент": "разрешения на работу или патента", "РВП": "разрешения на временное проживание", "ВНЖ": "вида на жительство",
	}
	for n := range e.candidates {
		c := &e.candidates[n]
		if !c.passed() {
			continue
		}
		out = append(out, []string{
			strconv.Itoa(len(out)), c.name[0], c.name[1], c.name[2], c.born, types[c.level], c.document,
			e.registration(n+1, today), e.issued(today).Russian(),
		})
	}
	return out
}

// sampleFirstAnswer is the answer that a visitor sends first for the exam that is
// ready: one number is bad, and one row is about somebody of another exam.
func sampleFirstAnswer(e *sampleExam, today service.Day) sampleTable {
	out := sampleAnswer(e, today)
	out[sampleBadNumber][7] = "присвоен, см. приложение"
	other := slices.Clone(sampleAnswer(sampleExamOf("310"), today)[3])
	return append(out, other)
}

// text is the table in windows-1251 with semicolons, as Excel saves it.
func (t sampleTable) text() ([]byte, error) {
	var out bytes.Buffer
	w := csv.NewWriter(charmap.Windows1251.NewEncoder().Writer(&out))
	w.Comma, w.UseCRLF = ';', true
	if err := w.WriteAll(t); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// sheet is the table as a sheet of a workbook.
func (t sampleTable) sheet(name string) service.Sheet { return sampleSheet(name, t[0], t[1:]) }

// samplePrinter draws certificates; making one reads the fonts.
var samplePrinter = sync.OnceValues(pdf.New)

// sampleScan draws the certificate of an exam's n-th candidate as the bot prints
// it, for want of a scanner.
func sampleScan(e *sampleExam, today service.Day, n int) ([]byte, error) {
	printer, err := samplePrinter()
	if err != nil {
		return nil, err
	}
	profile, err := sampleBlankProfile()
	if err != nil {
		return nil, err
	}
	// The context bounds the drawing of many; this is one.
	return printer.Certificates(context.Background(), service.CertificateForm{
		Exam: e.number, Date: e.issued(today), Profile: profile, Certificates: []service.Certificate{sampleCertificate(e, today, n)},
	})
}

// sampleCertificate is what is printed for an exam's n-th candidate, from 1.
func sampleCertificate(e *sampleExam, today service.Day, n int) service.Certificate {
	c, center, issued := &e.candidates[n-1], sampleCenterRow(), e.issued(today)
	level := map[string]service.Level{"Патент": service.LevelPatent, "РВП": service.LevelTemporary, "ВНЖ": service.LevelPermanent}[c.level]
	return service.Certificate{
		Application: e.application(n), Level: level, Name: c.full(), NameLatin: c.latin[0] + " " + c.latin[1],
		Institution: center[1], Address: center[2], IssuedOn: issued, ValidUntil: level.ValidUntil(issued),
		RegistrationNumber: e.registration(n, today), SignatoryPosition: center[3], SignatoryName: center[4],
	}
}

// sampleBlankProfile is the one of the invented center's printing house.
func sampleBlankProfile() (service.BlankProfile, error) {
	tables, err := templates.BlankProfiles()
	if err != nil {
		return service.BlankProfile{}, err
	}
	profiles, err := service.BuildBlankProfiles(tables...)
	if err != nil {
		return service.BlankProfile{}, err
	}
	return profiles[slices.IndexFunc(profiles, func(p service.BlankProfile) bool { return p.Code == sampleProfile })], nil
}

// zipFile is a file of an archive.
type zipFile struct {
	name string
	data []byte
}

// zipped packs files.
func zipped(files ...zipFile) ([]byte, error) {
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	for _, f := range files {
		w, err := z.Create(f.name)
		if err != nil {
			return nil, err
		}
		if _, err := io.Copy(w, bytes.NewReader(f.data)); err != nil {
			return nil, err
		}
	}
	if err := z.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// sampleNewExam is an exam that is not there yet, and its applications.
func sampleNewExam(today service.Day) ([]byte, error) {
	e := sampleExam{number: "326", held: 17, candidates: sampleInvented(165, 6)}
	return sampleWorkbookOf(
		sampleSheet("Экзамены", sampleExamHeader, [][]string{e.row(today)}),
		sampleSheet("Заявки", sampleApplicationHeader, e.rows()),
	)
}
