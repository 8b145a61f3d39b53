package ocr

import "math"

// page is a page on its way through the reader.
type page struct {
	data []byte
	part int   // the image is 1/part of the page's size
	img  *gray // light
	h    homography
	off  misprint
}

// halfAbove is the length of a page, in pixels, above which half its size is
// enough: an A4 page in 300 dpi becomes one in 150.
const halfAbove = 2800

// pagePart is a part of a page, at its own size, as a JPEG of its own.
type pagePart struct {
	data []byte
	gray bool
	h    homography // to its pixels
}

// cutOut cuts the part of a page out on which boxes of the blank lie, in millimetres;
// nil if that is not on the page, or is damaged.
func (r *Reader) cutOut(p *page, boxes ...box) (*pagePart, error) {
	head, err := r.jpeg.head(p.data)
	if err != nil {
		return nil, err
	}
	x0, y0, x1, y1 := math.Inf(1), math.Inf(1), math.Inf(-1), math.Inf(-1)
	for _, b := range boxes {
		left, top, right, low := p.h.bounds(b, float64(p.part))
		x0, y0, x1, y1 = math.Min(x0, left), math.Min(y0, top), math.Max(x1, right), math.Max(y1, low)
	}
	left, top := max(0, int(x0))/head.block*head.block, max(0, int(y0))/head.block*head.block
	right, low := min(head.w, int(x1)+1), min(head.h, int(y1)+1)
	if right-left < head.block || low-top < head.block {
		return nil, nil
	}
	data, err := r.cutter.cut(p.data, 0, left, top, right-left, low-top)
	if err != nil {
		return nil, nil //nolint:nilerr // a page that is damaged there was read as far as it can be
	}
	return &pagePart{data, head.gray, p.h.scaled(float64(p.part)).moved(-float64(left), -float64(top))}, nil
}

// What a page bears that is not empty. Source: of 200 drawn pages an empty one has no
// such pixel, any other one in a hundred at least.
const (
	strokeDark  = 60   // of 255, by which ink is darker than paper
	strokeShare = 2000 // one pixel in so many is ink
	strokePaper = .75  // share of a page that is no lighter than its paper: half of a photo may be the table
)

// isEmpty reports whether a page bears less than a stroke of ink.
func isEmpty(g *gray) bool {
	var hist histogram
	hist.addAll(g.pix)
	ink := 0
	for v := range max(0, int(hist.share(strokePaper))-strokeDark) {
		ink += hist.counts[v]
	}
	return ink < len(g.pix)/strokeShare
}

// The shares of a strip that are no lighter than its ink, and than its paper.
const (
	stretchInk   = .015
	stretchPaper = .6
)

// stretched spreads the light of a strip from ink to paper.
func stretched(g *gray) *gray {
	var hist histogram
	hist.addAll(g.pix)
	low, high := int(hist.share(stretchInk)), int(hist.share(stretchPaper))
	out := newGray(g.w, g.h)
	for i, v := range g.pix {
		out.pix[i] = byte(min(max((int(v)-low)*255/max(high-low, 1), 0), 255))
	}
	return out
}
