package main

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"

	"flowbot/service"
	"flowbot/service/ocr/drawn"
)

// sampleScanned is the number of the exam whose certificates are printed and wait
// for their scans.
const sampleScanned = "313"

// sampleBatchFile is the file of its scans, but for those of the last candidates,
// who are photographed.
const sampleBatchFile = "Сканы " + sampleScanned + ".pdf"

// samplePhotos is how many candidates are photographed.
const samplePhotos = 3

// samplePhotoFile is the n-th photo, from 1.
func samplePhotoFile(n int) string { return fmt.Sprintf("Фото %s, %d.jpg", sampleScanned, n) }

// sampleOneFile is the scan of the certificate of 316-01, which is printed once its
// number is there, on the blank of this ordinal.
const (
	sampleOneFile  = "Скан 316-01.pdf"
	sampleOneBlank = 7
)

// samplePacked is the number of the exam of which some scans come in an archive,
// called by the numbers of applications.
const samplePacked = "312"

// sampleZipFile is that archive.
const sampleZipFile = "Сканы " + samplePacked + ".zip"

// Pages of the batch that are something else than a good scan, by candidates.
const (
	sampleBlotted = 4 // nobody can read the number
	sampleTwice   = 2 // is scanned twice
	sampleOther   = 5 // of another exam, whose scan is among them by mistake
)

// firstScanned is the ordinal of the blank on which the first of these
// certificates is printed.
const firstScanned = 101

// firstPacked is the same of the certificates in the archive.
const firstPacked = 151

// How the sample is scanned and photographed: as a careful office does.
var (
	sampleScanner = drawn.Severity{
		Name: "sample", DPI: []int{200}, Best: 1, Gray: .3, Skew: drawn.Range{From: -1, To: 1}, Misprint: drawn.Range{From: -1, To: 1},
		Quality: [2]int{65, 75}, Noise: drawn.Range{From: 1, To: 3}, Blur: drawn.Range{To: .3}, Upside: .2, Bleed: .2, Faded: drawn.Range{From: .9, To: 1},
	}
	samplePhone = drawn.Severity{
		Name: "sample phone", Phone: true, DPI: []int{0}, Best: 1, Perspective: .025, Misprint: drawn.Range{From: -1, To: 1},
		Quality: [2]int{70, 80}, Noise: drawn.Range{From: 2, To: 4}, Blur: drawn.Range{From: .3, To: .8}, Faded: drawn.Range{From: .9, To: 1},
		Slope: drawn.Range{From: .1, To: .2}, Shadow: drawn.Range{From: .1, To: .2},
	}
)

// sampleSheets are the certificates that are scanned, in the order of the batch,
// and those that are photographed.
func sampleSheets(today service.Day) (scanned, photographed []drawn.Signed) {
	e, other := sampleExamOf(sampleScanned), sampleExamOf(samplePacked)
	sheet := func(e *sampleExam, n, blank int) drawn.Signed {
		return drawn.Signed{Certificate: sampleCertificate(e, today, n), BlankNumber: sampleBlank(blank)}
	}
	for n := 1; n <= len(e.candidates); n++ {
		s := sheet(e, n, firstScanned+n)
		s.Blotted = n == sampleBlotted
		if n > len(e.candidates)-samplePhotos {
			photographed = append(photographed, s)
		} else {
			scanned = append(scanned, s)
		}
	}
	scanned = append(scanned, sheet(e, sampleTwice, firstScanned+sampleTwice), sheet(other, sampleOther, firstScanned+len(e.candidates)+1))
	return scanned, photographed
}

// drawSampleScans leaves the scans of the exam that waits for them in dir, unless
// they are there: a minute's work for one core. An installation without that exam
// gets none.
func (i *installation) drawSampleScans(ctx context.Context, dir string) error {
	if _, err := os.Stat(filepath.Join(dir, sampleZipFile)); err == nil {
		return nil // the last one of them
	}
	v, err := i.exams.ViewByNumber(ctx, service.CommandLine, sampleScanned)
	if err != nil {
		if service.AsError(err).Kind == service.NotFound {
			err = nil
		}
		return err
	}
	today := v.Exam.HeldOn.AddDays(-sampleExamOf(sampleScanned).held)
	if err := drawOne(ctx, dir, today); err != nil {
		return err
	}
	scanned, photographed := sampleSheets(today)
	scans, err := drawSample(ctx, 1, sampleScanner, scanned)
	if err != nil {
		return err
	}
	empty, err := drawn.Empty(rand.New(rand.NewPCG(1, 1)), true) //nolint:gosec // an empty page is no secret
	if err != nil {
		return err
	}
	scans = append(scans, drawn.Scan{JPEG: empty, DPI: sampleScanner.DPI[0], Gray: true})
	batch, err := bindSample(scans)
	if err == nil {
		err = leaveSample(dir, sampleBatchFile, batch)
	}
	if err != nil {
		return err
	}
	photos, err := drawSample(ctx, 2, samplePhone, photographed)
	if err != nil {
		return err
	}
	for n, photo := range photos {
		if err := leaveSample(dir, samplePhotoFile(n+1), photo.JPEG); err != nil {
			return err
		}
	}
	packed, err := packSample(ctx, today)
	if err != nil {
		return err
	}
	return leaveSample(dir, sampleZipFile, packed)
}

// drawOne leaves the scan that is loaded for its application.
func drawOne(ctx context.Context, dir string, today service.Day) error {
	scans, err := drawSample(ctx, 4, sampleScanner, []drawn.Signed{{
		Certificate: sampleCertificate(sampleExamOf("316"), today, 1), BlankNumber: sampleBlank(sampleOneBlank),
	}})
	if err != nil {
		return err
	}
	one, err := bindSample(scans)
	if err != nil {
		return err
	}
	return leaveSample(dir, sampleOneFile, one)
}

// packSample packs scans into an archive: two are called by the numbers of their
// applications, one of them in a folder; one by another's; one as a scanner calls
// it. A text lies beside them.
func packSample(ctx context.Context, today service.Day) ([]byte, error) {
	e := sampleExamOf(samplePacked)
	sheets := make([]drawn.Signed, 0, 4)
	for n := 1; n <= cap(sheets); n++ {
		sheets = append(sheets, drawn.Signed{Certificate: sampleCertificate(e, today, n), BlankNumber: sampleBlank(firstPacked + n)})
	}
	scans, err := drawSample(ctx, 3, sampleScanner, sheets)
	if err != nil {
		return nil, err
	}
	return zipped(
		zipFile{e.application(1) + ".jpg", scans[0].JPEG}, zipFile{"добор/" + e.application(2) + ".jpg", scans[1].JPEG},
		zipFile{e.application(5) + ".jpg", scans[2].JPEG}, zipFile{"SCAN_0017.jpg", scans[3].JPEG}, zipFile{"Читайте.txt", []byte("завтра досканирую")},
	)
}

// drawSample draws scans of sheets.
func drawSample(ctx context.Context, seed uint64, v drawn.Severity, sheets []drawn.Signed) ([]drawn.Scan, error) {
	printer, err := samplePrinter()
	if err != nil {
		return nil, err
	}
	profile, err := sampleBlankProfile()
	if err != nil {
		return nil, err
	}
	way, err := os.MkdirTemp("", "flowbot-demo-")
	if err != nil {
		return nil, fmt.Errorf("draw scans: %w", err)
	}
	defer os.RemoveAll(way) //nolint:errcheck // what is left in a temporary directory goes with it
	return drawn.Scans(ctx, printer, profile, seed, v, sheets, way)
}

// bindSample makes one PDF of scans.
func bindSample(scans []drawn.Scan) ([]byte, error) {
	var out bytes.Buffer
	bound := drawn.NewBinder(&out)
	for i := range scans {
		if err := bound.Add(&scans[i]); err != nil {
			return nil, err
		}
	}
	err := bound.Close()
	return out.Bytes(), err
}

// leaveSample leaves a file for a visitor, whole or not at all.
func leaveSample(dir, name string, b []byte) error {
	path := filepath.Join(dir, name)
	half := path + ".part"
	if err := os.WriteFile(half, b, 0o644); err != nil { //nolint:gosec // for the visitor to read
		return fmt.Errorf("%s: %w", name, err)
	}
	return os.Rename(half, path)
}
