package main

import (
	"context"
	"errors"
	"fmt"
	"html/template"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"time"

	"flowbot/service"
	"flowbot/service/pdf"
	"flowbot/templates"
)

// Sizes of the files of certificates: the exam, and what is given to the program
// it is compared with, which is slow.
const (
	benchCertificates = 1000
	benchDrawings     = 9 // of the exam; the middle one counts
	benchOthersFew    = 20
	benchOthersMany   = 200
)

// benchPrinting measures how fast the certificates of an exam are drawn and
// written, beside WeasyPrint setting the same words in the same places.
func benchPrinting(ctx context.Context, p *program) (err error) {
	dir, err := os.MkdirTemp("", "flowbot-bench-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	tables, err := templates.BlankProfiles()
	if err != nil {
		return err
	}
	profiles, err := service.BuildBlankProfiles(tables...)
	if err != nil {
		return err
	}
	f := benchForm(profiles[0], benchCertificates)
	cores := runtime.GOMAXPROCS(1)
	defer runtime.GOMAXPROCS(cores)
	begun := time.Now()
	printer, err := pdf.New()
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintf(p.out, "fonts read once, at the start: %s\n", ms(time.Since(begun))); err != nil {
		return err
	}
	one, err := drawExam(ctx, p.out, printer, f, dir, "one core")
	if err != nil {
		return err
	}
	runtime.GOMAXPROCS(cores)
	if _, err := drawExam(ctx, p.out, printer, f, dir, fmt.Sprintf("%d cores", cores)); err != nil {
		return err
	}
	return benchWeasyPrint(ctx, p.out, printer, f, dir, one)
}

// drawExam draws the form some times, each time to a file, and returns the pages
// a second of the middle one.
func drawExam(ctx context.Context, out io.Writer, printer *pdf.Printer, f service.CertificateForm, dir, name string) (float64, error) {
	var took []time.Duration
	size := 0
	for range benchDrawings {
		begun := time.Now()
		b, err := printer.Certificates(ctx, f)
		if err != nil {
			return 0, err
		}
		if err := os.WriteFile(filepath.Join(dir, "exam.pdf"), b, 0o600); err != nil {
			return 0, err
		}
		took, size = append(took, time.Since(begun)), len(b)
	}
	slices.Sort(took)
	rate := pagesASecond(len(f.Certificates), quantile(took, .5))
	_, err := fmt.Fprintf(out, "%-9s %d certificates in %s (%s to %s), %d KB: %.0f pages a second\n", name, len(f.Certificates),
		ms(quantile(took, .5)), ms(took[0]), ms(took[len(took)-1]), size>>10, rate)
	return rate, err
}

func pagesASecond(pages int, took time.Duration) float64 { return float64(pages) / took.Seconds() }

// benchWeasyPrint has WeasyPrint draw some of the same pages. It, too, works on
// one core.
func benchWeasyPrint(ctx context.Context, out io.Writer, printer *pdf.Printer, f service.CertificateForm, dir string, one float64) error {
	const program = "weasyprint"
	path, err := exec.LookPath(program)
	if err != nil {
		_, err := fmt.Fprintln(out, "WeasyPrint is not installed, so there is nothing to compare with: apt-get install --no-install-recommends weasyprint")
		return err
	}
	took := make(map[int]time.Duration)
	for _, pages := range []int{benchOthersFew, benchOthersMany} {
		few := f
		few.Certificates = f.Certificates[:pages]
		source, err := writeHTML(ctx, printer, few, dir)
		if err != nil {
			return err
		}
		result := filepath.Join(dir, "weasyprint.pdf")
		begun := time.Now()
		if said, err := exec.CommandContext(ctx, path, source, result).CombinedOutput(); err != nil { //nolint:gosec // found in PATH, with files of our own
			return fmt.Errorf("%s: %w: %s", program, err, said)
		}
		took[pages] = time.Since(begun)
		info, err := os.Stat(result)
		if err != nil {
			return err
		}
		rate := pagesASecond(pages, took[pages])
		if _, err := fmt.Fprintf(out, "WeasyPrint %d certificates in %s, %d KB: %.1f pages a second, the printer is %.0f times faster\n",
			pages, ms(took[pages]), info.Size()>>10, rate, one/rate); err != nil {
			return err
		}
	}
	// What a longer file would come to, without the start of the interpreter.
	rate := pagesASecond(benchOthersMany-benchOthersFew, took[benchOthersMany]-took[benchOthersFew])
	_, err = fmt.Fprintf(out, "WeasyPrint without its start: %.1f pages a second, the printer is %.0f times faster\n", rate, one/rate)
	return err
}

// benchPage is the page for WeasyPrint. Lines without height have their baseline
// a share of the type's size under their top: half of what the face's ascent is
// longer than its descent. Source: the fonts' hhea tables.
var benchPage = template.Must(template.New("page").Parse(`<!DOCTYPE html>
<html lang="ru"><head><meta charset="utf-8"><title>Сертификаты</title><style>
@page { size: A4 portrait; margin: 0 }
{{range $name, $file := .Fonts}}@font-face { font-family: "{{$name}}"; src: url("{{$file}}") }
{{end}}body { margin: 0; font-kerning: none }
section { position: relative; width: 210mm; height: 297mm; break-after: page }
section:last-child { break-after: auto }
span { position: absolute; line-height: 0; white-space: pre }
</style></head><body>
{{range .Pages}}<section>
{{range .}}<span style="left: {{printf "%.3f" .X}}mm; top: {{printf "%.3f" .Y}}mm; font-family: '{{.Face}}'; font-size: {{.Points}}pt">{{.Text}}</span>
{{end}}</section>
{{end}}</body></html>
`))

// writeHTML writes the page with the same words in the same places, and its
// fonts.
func writeHTML(ctx context.Context, printer *pdf.Printer, f service.CertificateForm, dir string) (string, error) {
	pages, err := printer.CertificateTexts(ctx, f)
	if err != nil {
		return "", err
	}
	data := struct {
		Fonts map[string]string
		Pages [][]pdf.Text
	}{Fonts: map[string]string{}, Pages: pages}
	faces := map[string]struct {
		file     string
		baseline float64
	}{
		"PTSerif":      {templates.FontSerif, (1.039 - 0.286) / 2},
		"PTSerif-Bold": {templates.FontSerifBold, (1.039 - 0.286) / 2},
		"PTSans":       {templates.FontSans, (1.018 - 0.276) / 2},
	}
	for name, face := range faces {
		font, err := templates.Font(face.file)
		if err != nil {
			return "", err
		}
		if err := os.WriteFile(filepath.Join(dir, face.file), font, 0o600); err != nil {
			return "", err
		}
		data.Fonts[name] = face.file
	}
	for _, texts := range pages {
		for i := range texts {
			texts[i].Y -= faces[texts[i].Face].baseline * texts[i].Points * service.PointMM
		}
	}
	path := filepath.Join(dir, "certificates.html")
	file, err := os.Create(path)
	if err != nil {
		return "", err
	}
	return path, errors.Join(benchPage.Execute(file, data), file.Close())
}

// benchForm is an exam of n candidates, no two of one name.
func benchForm(profile service.BlankProfile, n int) service.CertificateForm {
	last := []string{"Каримов", "Абдуллаев", "Бабаджанов", "Иваненко-Задунайский", "Нгуен", "Мамедов", "Сидорчук"}
	first := []string{"Алишер", "Абдурахмон", "Гайрат", "Иван", "Ван Тхань", "Эльчин", "Александр-Виктор", "Пётр", "Юсуф"}
	middle := []string{"Рустамович", "Абдувохидович угли", "", "Константинович", "Самир оглы"}
	issued := service.NewDay(2026, time.November, 20)
	f := service.CertificateForm{Exam: "316", Date: issued, Profile: profile}
	for i := range n {
		level := service.Levels[i%len(service.Levels)]
		f.Certificates = append(f.Certificates, service.Certificate{
			Application: fmt.Sprintf("316-%04d", i+1), Level: level,
			Name:        fmt.Sprintf("%s%s %s %s", last[i%len(last)], suffix(i), first[i%len(first)], middle[i%len(middle)]),
			NameLatin:   fmt.Sprintf("Karimov %c%c%c Alisher", 'a'+i%26, 'a'+i/26%26, 'a'+i/676%26),
			Institution: "Федеральным государственным бюджетным образовательным учреждением высшего образования «Приморский государственный университет»",
			Address:     "690000, г. Владивосток, ул. Светланская, д. 1",
			IssuedOn:    issued, ValidUntil: level.ValidUntil(issued),
			RegistrationNumber: fmt.Sprintf("26-10-40538-%06d-%d", i+1, i%10),
			SignatoryPosition:  "Директор центра тестирования", SignatoryName: "А. А. Центрова",
		})
	}
	return f
}

// suffix spells a number in Cyrillic letters, after a hyphen.
func suffix(n int) string {
	const base = 32 // а to я
	return "-" + string([]rune{'А' + rune(n/base/base%base), 'а' + rune(n/base%base), 'а' + rune(n%base)})
}
