package ocr

import "flowbot/service"

// readNumber reads the registration number. Where digits are unsure it looks once
// more in other light, and then asks Tesseract.
func (r *Reader) readNumber(p *page, out *service.PageReading) (*numberReading, error) {
	first, reader := r.bestNumber(p.img, &p.h, p.off)
	if first != nil {
		if text, unsure := reader.readings(p.img, &p.h, first); unsure == 0 {
			out.Number, out.NumberAlign = text, float64(first.Align)
			return first, nil
		}
	}
	part, err := r.cutOut(p, r.numberPlaces()...)
	if part == nil || err != nil {
		return first, err
	}
	both := []*numberReading{first}
	if !part.gray || p.part > 1 {
		if both, reader, err = r.lookAgain(p, part, first, reader); err != nil {
			return nil, err
		}
	}
	if both[0] == nil {
		return nil, nil
	}
	var unsure int
	out.Number, out.NumberLikely, unsure = joinedNumber(both...)
	out.NumberAlign = float64(both[0].Align)
	if unsure == 0 || unsure > mostErased {
		return both[0], nil
	}
	out.NumberSecond, err = r.readSecond(p, part, both[0], reader)
	return both[0], err
}

// lookAgain reads a number in other light. It returns what was read in both, the first
// or, where that is of another shape and fits less, what stands for it.
func (r *Reader) lookAgain(p *page, part *pagePart, first *numberReading, reader *numberReader) ([]*numberReading, *numberReader, error) {
	plain, h, err := r.otherLight(part, p.part)
	if err != nil {
		return nil, nil, err
	}
	second, other := r.bestNumber(plain, h, p.off)
	switch {
	case second == nil:
	case first == nil || other != reader && second.Align > first.Align:
		other.readings(plain, h, second)
		return []*numberReading{second}, other, nil
	case other == reader:
		reader.readings(plain, h, second)
		return []*numberReading{first, second}, reader, nil
	}
	return []*numberReading{first}, reader, nil
}

// The room around a number that Tesseract reads, in millimetres, and the height of its
// digits there, in pixels.
const (
	secondBefore = 1.2
	secondBehind = .6
	secondAround = 1.0
	secondHigh   = 30
)

// readSecond has Tesseract read a number, at half the size at which the page was read
// or finer.
func (r *Reader) readSecond(p *page, part *pagePart, n *numberReading, reader *numberReader) (string, error) {
	scale := max(1, p.part/2)
	full, err := r.jpeg.luma(part.data, scale)
	if err != nil {
		return "", err
	}
	h := part.h.scaled(1 / float64(scale))
	capital := reader.line.Points * service.PointMM * capitalHigh
	x, y := reader.line.X+n.DX, reader.line.Y+n.DY
	area := box{x - secondBefore, y - capital - secondAround, x + reader.reach() + secondBehind, y + secondAround}
	return r.digits.line(stretched(full.crop(&h, area, secondHigh/capital)))
}

// otherLight shows a part without the colours of stamp and signature or, where it has
// none, at twice the size.
func (r *Reader) otherLight(part *pagePart, size int) (*gray, *homography, error) {
	var g *gray
	var err error
	if part.gray {
		size = max(1, size/2)
		g, err = r.jpeg.luma(part.data, size)
	} else {
		g, err = r.jpeg.lightest(part.data, size)
	}
	h := part.h.scaled(1 / float64(size))
	return g, &h, err
}

// numberBeside is how far a number may be from its place when the page is cut, in
// millimetres: the slack of the print, and a letter or two by which it is read aside.
const numberBeside = slack + 5

// numberPlaces are where numbers can stand.
func (r *Reader) numberPlaces() []box {
	var out []box
	for _, n := range r.numbers {
		size := n.line.Points * service.PointMM
		out = append(out, box{n.line.X - numberBeside, n.line.Y - size - numberBeside, n.line.X + n.reach() + numberBeside, n.line.Y + numberBeside})
	}
	return out
}

// mostErased is how many digits may be unsure for the second reader to be asked.
const mostErased = 4

// bestNumber reads the number in each shape that the list has.
func (r *Reader) bestNumber(g *gray, h *homography, off misprint) (*numberReading, *numberReader) {
	var best *numberReading
	var reader *numberReader
	for _, n := range r.numbers {
		if s := n.read(g, h, off); s != nil && (best == nil || s.Align > best.Align) {
			best, reader = s, n
		}
	}
	return best, reader
}
