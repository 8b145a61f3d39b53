package foreign

import (
	"bytes"
	"compress/zlib"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"github.com/pdfcpu/pdfcpu/pkg/filter"
	"github.com/pdfcpu/pdfcpu/pkg/pdfcpu"
	"github.com/pdfcpu/pdfcpu/pkg/pdfcpu/model"
	"github.com/pdfcpu/pdfcpu/pkg/pdfcpu/types"
	"github.com/pdfcpu/pdfcpu/pkg/pdfcpu/validate"

	"flowbot/service"
)

// checkPDF reads a PDF twice: pdfcpu looks at its structure, poppler draws each
// page small. A file that poppler draws without complaint is good even if
// pdfcpu is stricter: many programs write PDFs that are a little wrong, and
// people read them all the same.
func checkPDF(ctx context.Context, q question, path string) (service.ForeignFile, error) {
	none := service.ForeignFile{}
	f, beginning, size, err := head(path)
	if err != nil {
		return none, err
	}
	defer func() { _ = f.Close() }()
	kind := sniff(beginning)
	switch {
	case kind != "" && kind != typePDF:
		return none, refuse(service.ReasonFileIsPicture, kind)
	case kind != typePDF:
		return none, refuse(service.ReasonFileNotPDF, "no header")
	case size > q.PDFBytes:
		return none, exceeds(service.ReasonFileTooBig, q.PDFBytes, size)
	}
	if whole, err := isWhole(f, size); err != nil {
		return none, err
	} else if !whole {
		return none, refuse(service.ReasonFileBroken, "no end")
	}
	pages, infoComplaints, err := pageCount(ctx, path)
	if err != nil {
		return none, err
	}
	if pages > int64(q.Pages) {
		return none, exceeds(service.ReasonFileTooManyPages, int64(q.Pages), pages)
	}
	structure := readStructure(f)
	if v := (*verdict)(nil); errors.As(structure, &v) {
		return none, structure
	}
	drawn, complaints, err := drawPages(ctx, path, "page", 1, int(pages), 160, false)
	if err != nil {
		return none, err
	}
	complaints = infoComplaints + complaints
	switch {
	case int64(len(drawn)) != pages:
		return none, refuse(service.ReasonFileBroken, fmt.Sprintf("%d pages of %d can be drawn", len(drawn), pages))
	case isDamaged.MatchString(complaints):
		return none, refuse(service.ReasonFileBroken, "poppler finds it damaged")
	case structure != nil && strings.Contains(complaints, "Error"):
		return none, refuse(service.ReasonFileBroken, "neither pdfcpu nor poppler finds it whole")
	}
	return service.ForeignFile{Kind: service.ForeignPDF, Type: typePDF, Pages: int(pages)}, nil
}

// isDamaged finds the complaints of poppler after which a page may be missing
// or blank, although it ends with success. The others are about fonts, colours,
// annotations and lengths that it found out by itself: what is drawn can be read.
var isDamaged = regexp.MustCompile(`(?i)error[^\n]*(xref|trailer|catalog|top-level pages|pages? tree|page count|` +
	`page attributes|page contents|kid object|loop in|end of file|couldn't|flate|lzw|dct|jpx|jbig2)`)

// isWhole tells whether a PDF has its end: programs that wait for one repair a
// file without, and pages may be lost. Source: Adobe's implementation note to
// PDF 1.7: the mark may stand anywhere in the last 1024 bytes. Zeros that mail
// and flash drives append do not count.
func isWhole(f io.ReaderAt, size int64) (bool, error) {
	const part = 64 << 10
	tail := make([]byte, min(part, size))
	if _, err := f.ReadAt(tail, size-int64(len(tail))); err != nil && !errors.Is(err, io.EOF) {
		return false, err
	}
	tail = bytes.TrimRight(tail, "\x00 \t\r\n\f\x1a")
	tail = tail[max(0, len(tail)-1024):]
	return ending.Match(tail), nil
}

var ending = regexp.MustCompile(`startxref\s+\d+\s+%%EOF`)

// readStructure lets pdfcpu look at the file. A verdict is final, any other
// error is one reader's opinion.
func readStructure(f io.ReadSeeker) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = errors.New("pdfcpu panicked")
		}
	}()
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return err
	}
	// Not through pdfcpu's package api: what that imports besides takes 27 ms to
	// start, more than all the rest of a child.
	model.ConfigPath = "disable"
	conf := model.NewDefaultConfiguration()
	conf.Cmd = model.VALIDATE
	conf.ValidationMode = model.ValidationRelaxed
	conf.Offline = true
	conf.Limits.MaxDecodeBytes = 128 << 20
	ctx, err := pdfcpu.Read(f, conf)
	switch {
	case errors.Is(err, pdfcpu.ErrWrongPassword), errors.Is(err, pdfcpu.ErrEncrypted):
		return refuse(service.ReasonFileEncrypted, "pdfcpu asks for a password")
	case errors.Is(err, filter.ErrDecodeLimitExceeded):
		return refuse(service.ReasonFileTooHeavy, "a stream of pdfcpu's is too long")
	case err != nil:
		return err
	case ctx.Encrypt != nil:
		return refuse(service.ReasonFileEncrypted, "it has a password for changes")
	}
	if err := measureStreams(ctx.XRefTable); err != nil {
		return err
	}
	err = validate.XRefTable(ctx)
	if errors.Is(err, filter.ErrDecodeLimitExceeded) {
		return refuse(service.ReasonFileTooHeavy, "a stream of pdfcpu's is too long")
	}
	return err
}

// maxStream is the most bytes that one packed stream may hold: a page of A3 at
// 600 dpi in colour takes 209 MB. What is longer stands for nothing that a
// person would read, and every program that opens the file pays for it.
const maxStream = 256 << 20

// measureStreams unpacks every stream that Flate has packed, once or several
// times over, into nothing, and refuses one that is too long. A stream that
// cannot be unpacked to its end is left to those who draw it.
func measureStreams(x *model.XRefTable) error {
	for _, entry := range x.Table {
		if entry == nil {
			continue
		}
		stream, ok := entry.Object.(types.StreamDict)
		if !ok {
			continue
		}
		var r io.Reader = bytes.NewReader(stream.Raw)
		packed := false
		for _, f := range stream.FilterPipeline {
			if f.Name != filter.Flate {
				break
			}
			z, err := zlib.NewReader(r)
			if err != nil {
				break
			}
			r, packed = z, true
		}
		if !packed {
			continue
		}
		if n, _ := io.Copy(io.Discard, io.LimitReader(r, maxStream+1)); n > maxStream {
			return refuse(service.ReasonFileTooHeavy, "a stream is too long")
		}
	}
	return nil
}

var (
	infoPages     = regexp.MustCompile(`(?m)^Pages:\s+(-?\d+)`)
	infoEncrypted = regexp.MustCompile(`(?m)^Encrypted:\s+yes`)
)

// pageCount asks poppler for the number of pages. A PDF with a password, and
// one without pages, is refused.
func pageCount(ctx context.Context, path string) (pages int64, complaints string, err error) {
	out, complaints, err := poppler(ctx, "pdfinfo", path)
	if err != nil {
		return 0, "", err
	}
	if infoEncrypted.MatchString(out) {
		return 0, "", refuse(service.ReasonFileEncrypted, "poppler says so")
	}
	m := infoPages.FindStringSubmatch(out)
	if m == nil {
		return 0, "", refuse(service.ReasonFileBroken, "poppler finds no pages")
	}
	pages, err = strconv.ParseInt(m[1], 10, 64)
	if err != nil || pages < 1 {
		return 0, "", refuse(service.ReasonFileBroken, "poppler finds no pages")
	}
	return pages, complaints, nil
}

// drawPages draws pages into files that begin with prefix, the longer side of
// each so many pixels: grey, or PNG in colour. It returns the files in order.
func drawPages(ctx context.Context, path, prefix string, first, last, side int, colour bool) (files []string, complaints string, err error) {
	kind := "-gray"
	if colour {
		kind = "-png"
	}
	_, complaints, err = poppler(ctx, "pdftoppm", kind, "-f", strconv.Itoa(first), "-l", strconv.Itoa(last),
		"-scale-to", strconv.Itoa(side), path, prefix)
	if err != nil {
		return nil, "", err
	}
	// The numbers in the names are padded alike, so this is the order of pages.
	files, err = filepath.Glob(prefix + "-*")
	if err != nil {
		return nil, "", err
	}
	for _, file := range files {
		info, err := os.Stat(file)
		if err != nil {
			return nil, "", err
		}
		if info.Size() == 0 {
			return nil, "", refuse(service.ReasonFileBroken, "a page is drawn as nothing")
		}
	}
	return files, complaints, nil
}
