// Package ocr reads scans of printed certificates. A page is decoded at half its
// size and the blank found by its frame; the place of each line follows from that,
// and that of the print from the lines which all certificates of a list share.
//
// What the project has printed itself is compared with how it was printed: the name
// as a whole line, the registration number digit by digit. A digit is read when a
// small net, which has learned the project's own faces under ink, proposes it,
// another way of reading seconds it and none contradicts: likeness to the print, the
// strokes that only one of two digits has, a second such net, a net of other faces.
// Where digits stay open, Tesseract reads the line as a second reader.
//
// What the printing house has put on the blank is read twice, each time without
// knowing the other: the number by its bar code and, by the net of other faces, by
// its digits; the series by Tesseract in two sizes. What stays open there is looked
// at once more at the page's own size.
//
// Nothing here decides whose a page is: see service.MatchPage.
package ocr

import (
	"context"
	"errors"
	"fmt"
	"math"

	"flowbot/service"
)

// Reader reads pages of one exam: certificates of a closed list on the blanks of
// one house. It is not safe for concurrent use.
type Reader struct {
	*tools
	profile service.BlankProfile
	list    []service.PrintedCertificate

	numbers []*numberReader // one for each shape of number on the list
	pens    map[penKey]*pen

	shared      []service.PrintedLine // what the list's certificates share
	sharedTiles []*sharedTile
}

type penKey struct {
	face   service.Face
	points float64
}

// tools are what readers of any list need and what takes long to make: Tesseract
// alone 140 ms. Readers that share them do not read at the same time.
type tools struct {
	faces  typefaces
	jpeg   *decoder
	cutter *encoder
	bars   *barReader
	digits *tesseract

	letters *tesseract // of series, nil before a list whose blanks have one
}

func newTools() (*tools, error) {
	t := &tools{bars: newBarReader()}
	var err error
	if t.faces, err = newTypefaces(); err != nil {
		return nil, err
	}
	if t.jpeg, err = newDecoder(); err != nil {
		return nil, err
	}
	if t.cutter, err = newEncoder(); err != nil {
		return nil, err
	}
	if t.digits, err = newTesseract("eng", "0123456789-/"); err != nil {
		return nil, err
	}
	return t, nil
}

func (t *tools) close() error {
	err := t.digits.close()
	if t.letters != nil {
		err = errors.Join(err, t.letters.close())
	}
	return err
}

// NewReader returns a reader of the list's certificates. Close lets go of what it
// holds.
func NewReader(profile service.BlankProfile, list []service.PrintedCertificate) (*Reader, error) {
	t, err := newTools()
	if err != nil {
		return nil, err
	}
	return t.reader(profile, list)
}

// reader returns a reader of the list's certificates with these tools.
func (t *tools) reader(profile service.BlankProfile, list []service.PrintedCertificate) (*Reader, error) {
	r := &Reader{tools: t, profile: profile, list: list, pens: map[penKey]*pen{}, shared: shared(list)}
	r.sharedTiles = make([]*sharedTile, len(r.shared))
	if _, ok := seriesOf(&profile); ok && t.letters == nil { // now: that it is missing is no page's fault
		var err error
		if t.letters, err = newTesseract("rus", seriesLetters); err != nil {
			return nil, err
		}
	}
	shapes := map[string]bool{}
	for i := range list {
		for _, line := range list[i].Of(service.FieldRegistrationNumber) {
			shape := shapeOf(line.Text)
			if shapes[shape] {
				continue
			}
			shapes[shape] = true
			n, err := newNumberReader(r.faces, line)
			if err != nil {
				return nil, err
			}
			r.numbers = append(r.numbers, n)
		}
	}
	return r, nil
}

// Close ends the reader.
func (r *Reader) Close() error { return r.close() }

// Read reads a page, a JPEG picture, and compares it with the list. A page on
// which no blank is found, or several, or nothing at all, is an answer and no error.
func (r *Reader) Read(ctx context.Context, data []byte) (*service.PageReading, error) {
	p := &page{data: data, part: 1}
	out := &service.PageReading{}
	var err error
	if out.Width, out.Height, err = r.jpeg.size(data); err != nil {
		return nil, err
	}
	for max(out.Width, out.Height) > halfAbove*p.part && p.part < 8 {
		p.part *= 2
	}
	if p.img, err = r.jpeg.luma(data, p.part); err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("read a page: %w", err)
	}
	k := max(1, int(math.Round(float64(max(p.img.w, p.img.h))/frameLong)))
	small := p.img.shrunk(k)
	if out.Empty = isEmpty(small); out.Empty {
		return out, nil
	}
	located := r.locate(p, small, k, out)
	if out.Several = r.several(p, located); out.Several { // the page is shown as a whole
		out.Located, out.Corners, out.Resolution = false, [4]service.Spot{}, 0
	}
	if !out.Located {
		return out, nil
	}
	number, err := r.readNumber(p, out)
	if err != nil {
		return nil, err
	}
	r.compare(p, number, out)
	if err := r.readBlank(p, out); err != nil {
		return nil, err
	}
	return out, nil
}

// frameLong is about how long a page is, in pixels, when its frame is looked for:
// fine lines of pages in 200 dpi are lost in less.
const frameLong = 1000
