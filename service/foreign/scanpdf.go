package foreign

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"time"

	"flowbot/service"
)

const (
	// drawnDPI is the density at which pages are drawn that have none of their
	// own, and the most that others are given: what scanners use for papers.
	drawnDPI = 300
	// maxDrawn is the area of a page that is drawn, in pixels. Source: A3 at 300
	// dpi is 17.4 megapixels.
	maxDrawn = 20_000_000
	// drawTime is how long drawing one page may take. Source: JPEG 2000 of A4 in
	// colour at 600 dpi takes 8 seconds on a busy machine.
	drawTime = 40 * time.Second
)

// pageSize is how poppler sees a page, in points, before it is turned.
type pageSize struct{ width, height float64 }

// pdf takes a PDF apart. Where a page is one picture, and the file is written
// so plainly that our own reader finds it, its JPEG is taken as it is; all else
// is drawn by poppler.
func (p *pager) pdf(ctx context.Context, path string) error {
	f, _, size, err := head(path)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	if whole, err := isWhole(f, size); err != nil {
		return err
	} else if !whole {
		return refuse(service.ReasonFileBroken, "no end")
	}
	sizes, complaints, err := pageSizes(ctx, path, p.room())
	if err != nil {
		return err
	}
	// A page tree may hold more pages than it counts, which poppler believes.
	reader, found := readPages(f, size, p.room())
	count := max(len(sizes), len(found))
	switch {
	case count > p.room():
		return exceeds(service.ReasonFileTooManyPages, int64(p.room()), int64(count))
	case len(found) != len(sizes) && isDamaged.MatchString(complaints):
		return refuse(service.ReasonFileBroken, "nobody knows how many pages there are")
	}
	for i := range count {
		d := pdfDraw{path: path, number: i + 1, dpi: drawnDPI}
		if i < len(sizes) {
			d.size = sizes[i]
		}
		if err := p.each(func() error { return p.pdfPage(ctx, reader, found, d) }); err != nil {
			return err
		}
	}
	return nil
}

// readPages lets our own reader look for the pages; none if it cannot. A file
// that makes it panic is one that it cannot read.
func readPages(f *os.File, size int64, most int) (reader *pdfReader, found []pdfPage) {
	err := safely(func() (err error) {
		if reader, err = openPDF(f, size); err != nil {
			return err
		}
		found, err = reader.pages(most)
		return err
	})
	if err != nil {
		return nil, nil
	}
	return reader, found
}

// pdfPage lets out one page.
func (p *pager) pdfPage(ctx context.Context, reader *pdfReader, found []pdfPage, d pdfDraw) error {
	if d.number <= len(found) {
		b, err := p.pdfJPEG(reader, found[d.number-1], &d)
		if err != nil {
			return err
		}
		if b != nil {
			return p.out(b)
		}
	}
	if d.size == (pageSize{}) {
		return refuse(service.ReasonFileBroken, "a page that poppler does not count")
	}
	return p.draw(ctx, d)
}

// pdfJPEG is the page's own JPEG, nil if it must be drawn; d learns how.
func (p *pager) pdfJPEG(reader *pdfReader, page pdfPage, d *pdfDraw) ([]byte, error) {
	var img pdfImage
	err := safely(func() (err error) {
		img, err = reader.onlyImage(page)
		return err
	})
	if err != nil {
		return nil, nil //nolint:nilerr // what our reader cannot read, poppler draws
	}
	dpi, isSquare := reader.density(img)
	d.isGray = reader.isGray(img)
	if dpi > 0 {
		d.dpi = dpi
	}
	b, err := reader.jpegOf(img)
	if isCut := !page.box.covers(img.place.bounds(unit)); b == nil || err != nil || !isSquare || isCut {
		return nil, nil //nolint:nilerr // likewise
	}
	plain, err := stripJPEG(b)
	if err != nil {
		return nil, err
	}
	if !plain.isPlain {
		return nil, nil
	}
	if err := isBearable(p.q, plain.width, plain.height); err != nil {
		return nil, err
	}
	return p.tool.turn(plain.bytes, img.orientation(page.rotate))
}

// pdfDraw is how a page is to be drawn.
type pdfDraw struct {
	path   string
	number int
	size   pageSize
	dpi    float64
	isGray bool
}

// density is the pixels an inch that the page gets.
func (d pdfDraw) density() float64 {
	dpi := min(d.dpi, drawnDPI)
	if area := d.size.width / 72 * dpi * d.size.height / 72 * dpi; area > maxDrawn {
		dpi *= math.Sqrt(maxDrawn / area)
	}
	// A page that is a hair's breadth high would still be too long.
	return min(dpi, (maxSide-2)*72/max(d.size.width, d.size.height))
}

// draw has poppler draw a page. A picture that it cannot decode leaves a blank
// page and a complaint.
func (p *pager) draw(ctx context.Context, d pdfDraw) error {
	timed, cancel := context.WithTimeout(ctx, drawTime)
	defer cancel()
	number := strconv.Itoa(d.number)
	args := []string{"-cropbox", "-f", number, "-l", number, "-r", strconv.FormatFloat(d.density(), 'f', 4, 64)}
	if d.isGray { // poppler's own JPEG of a grey page has colours
		args = append(args, "-gray")
	} else {
		args = append(args, "-jpeg", "-jpegopt", "quality="+strconv.Itoa(writtenQuality))
	}
	_, complaints, err := poppler(timed, "pdftoppm", append(args, d.path, "drawn")...)
	files, _ := filepath.Glob("drawn-*") // the pattern is sound
	defer func() {
		for _, file := range files {
			_ = os.Remove(file) // gone if the parent got it
		}
	}()
	switch {
	case timed.Err() != nil:
		return refuse(service.ReasonFileTooHeavy, "drawing the page takes too long")
	case err != nil:
		return err
	case len(files) != 1 || isDamaged.MatchString(complaints):
		return refuse(service.ReasonFileBroken, "poppler cannot draw the page")
	}
	if !d.isGray {
		return p.outFile(files[0])
	}
	img, err := readPGM(files[0])
	if err != nil {
		return err
	}
	b, err := p.tool.encode(img)
	if err != nil {
		return err
	}
	return p.out(b)
}

// readPGM reads a grey picture as poppler writes it: P5, width, height, 255 and
// the pixels.
func readPGM(name string) (*image.Gray, error) {
	b, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	var w, h, most int
	r := bytes.NewReader(b)
	if _, err := fmt.Fscanf(r, "P5\n%d %d\n%d\n", &w, &h, &most); err != nil || most != 255 || w < 1 || h < 1 || w > maxSide || h > maxSide || r.Len() != w*h {
		return nil, refuse(service.ReasonFileBroken, "poppler drew no grey page")
	}
	return &image.Gray{Pix: b[len(b)-w*h:], Stride: w, Rect: image.Rect(0, 0, w, h)}, nil
}

var (
	sizeOfPage = regexp.MustCompile(`(?m)^Page +\d+ size: +([0-9.]+) x ([0-9.]+) pts`)
	maxPoints  = 1e6
)

// pageSizes asks poppler for the pages.
func pageSizes(ctx context.Context, path string, most int) (sizes []pageSize, complaints string, err error) {
	pages, _, err := pageCount(ctx, path)
	if err != nil {
		return nil, "", err
	}
	if pages > int64(most) {
		return nil, "", exceeds(service.ReasonFileTooManyPages, int64(most), pages)
	}
	out, complaints, err := poppler(ctx, "pdfinfo", "-f", "1", "-l", strconv.FormatInt(pages, 10), path)
	if err != nil {
		return nil, "", err
	}
	for _, m := range sizeOfPage.FindAllStringSubmatch(out, -1) {
		w, err1 := strconv.ParseFloat(m[1], 64)
		h, err2 := strconv.ParseFloat(m[2], 64)
		if errors.Join(err1, err2) != nil || w <= 0 || h <= 0 || max(w, h) > maxPoints {
			w, h = 0, 0 // no size that could be drawn
		}
		sizes = append(sizes, pageSize{w, h})
	}
	if int64(len(sizes)) != pages {
		return nil, "", refuse(service.ReasonFileBroken, fmt.Sprintf("poppler finds %d pages of %d", len(sizes), pages))
	}
	return sizes, complaints, nil
}
