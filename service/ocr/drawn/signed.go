package drawn

import (
	"context"
	"errors"
	"fmt"
	"image"
	"math"
	"math/rand/v2"

	"flowbot/service"
)

// Signed is a certificate that is to be printed on a blank of its own, stamped,
// signed and scanned.
type Signed struct {
	Certificate service.Certificate
	Series      string // of the blank; "" where the house has none
	BlankNumber string
	Blotted     bool // nobody can read its registration number
}

// Scans prints certificates with the project's own printer, stamps and signs them
// beside what is printed, and scans each as the severity says; its shares of
// stamps and blots over the print are left out. The same seed draws the same. Dir
// is an empty directory for what is drawn on the way.
func Scans(ctx context.Context, press Press, profile service.BlankProfile, seed uint64, v Severity, list []Signed, dir string) ([]Scan, error) {
	r := rand.New(rand.NewPCG(seed, 78)) //nolint:gosec // nothing secret is drawn
	out := make([]Scan, 0, len(list))
	err := eachSigned(ctx, press, profile, r, &v, list, dir, func(sheet *Sheet) error {
		scan, err := v.Scan(r, sheet)
		if err == nil {
			out = append(out, *scan)
		}
		return err
	})
	return out, err
}

// Pairs is Scans of each two certificates of the list on one page: side by side, or
// one above the other, the second laid by hand, now and then upside down.
func Pairs(ctx context.Context, press Press, profile service.BlankProfile, seed uint64, v Severity, list []Signed, beside bool, dir string) ([]Scan, error) {
	r := rand.New(rand.NewPCG(seed, 79)) //nolint:gosec // nothing secret is drawn
	var first *Sheet
	var out []Scan
	err := eachSigned(ctx, press, profile, r, &v, list, dir, func(sheet *Sheet) error {
		if first == nil {
			first = sheet
			return nil
		}
		turn := byHand.draw(r)
		if r.IntN(4) == 0 {
			turn += 180
		}
		sheet.pic = sheet.pic.turned(turn)
		both := first.with(sheet, beside, pixels(2+8*r.Float64()))
		first = nil
		if !v.Phone { // as large as the scanner's glass, and along it
			if both.pic.w > both.pic.h {
				both.pic = both.pic.onEnd()
			}
			k := min(1, float64(pixels(service.SheetWidth))/float64(both.pic.w), float64(pixels(service.SheetHeight))/float64(both.pic.h))
			both.pic = both.pic.shrunk(int(k*float64(both.pic.w)), int(k*float64(both.pic.h)))
		}
		scan, err := v.Scan(r, both)
		if err == nil {
			out = append(out, *scan)
		}
		return err
	})
	return out, err
}

// byHand is how far a sheet lies from along another, in degrees.
var byHand = around(2.5)

// with is the sheet and another on the right of it or below, so many pixels apart.
func (s *Sheet) with(other *Sheet, beside bool, gap int) *Sheet {
	a, b := s.pic, other.pic
	x, y, w, h := 0, a.h+gap, max(a.w, b.w), a.h+gap+b.h
	if beside {
		x, y, w, h = a.w+gap, 0, a.w+gap+b.w, max(a.h, b.h)
	}
	out := newPicture(w, h, 250, 250, 248)
	for _, one := range []struct {
		pic  *picture
		x, y int
	}{{a, 0, 0}, {b, x, y}} {
		for row := range one.pic.h {
			copy(out.pix[3*((one.y+row)*w+one.x):], one.pic.pix[3*row*one.pic.w:3*(row+1)*one.pic.w])
		}
	}
	both := *s
	both.pic = out
	return &both
}

// turned is the picture turned by so many degrees, on paper that holds all of it.
//
//go:norace
func (p *picture) turned(degrees float64) *picture {
	sin, cos := math.Sincos(degrees * math.Pi / 180)
	w, h := float64(p.w), float64(p.h)
	out := newPicture(int(w*math.Abs(cos)+h*math.Abs(sin)), int(w*math.Abs(sin)+h*math.Abs(cos)), 250, 250, 248)
	for y := range out.h {
		for x := range out.w {
			dx, dy := float64(x)+.5-float64(out.w)/2, float64(y)+.5-float64(out.h)/2
			r, g, b := p.at(dx*cos+dy*sin+w/2, -dx*sin+dy*cos+h/2, ink{250, 250, 248})
			i := 3 * (y*out.w + x)
			out.pix[i], out.pix[i+1], out.pix[i+2] = uint8(r), uint8(g), uint8(b)
		}
	}
	return out
}

// onEnd is the picture turned by a quarter.
func (p *picture) onEnd() *picture {
	out := newPicture(p.h, p.w, 0, 0, 0)
	for y := range p.h {
		for x := range p.w {
			copy(out.pix[3*(x*out.w+p.h-1-y):][:3], p.pix[3*(y*p.w+x):])
		}
	}
	return out
}

// eachSigned calls fn with each certificate of a list, printed, stamped and signed.
func eachSigned(
	ctx context.Context, press Press, profile service.BlankProfile, r *rand.Rand, v *Severity, list []Signed, dir string, fn func(*Sheet) error,
) (err error) {
	blank, err := NewBlank(profile)
	if err != nil {
		return err
	}
	form := service.CertificateForm{Profile: profile, Exam: "1"}
	for _, s := range list {
		form.Certificates = append(form.Certificates, s.Certificate)
		form.Date = s.Certificate.IssuedOn
	}
	prints, err := newPrints(ctx, press, form, dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, prints.close()) }()
	for i := range list {
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("draw scans: %w", err)
		}
		ink, err := prints.next()
		if err != nil {
			return err
		}
		sheet, err := signed(r, blank, &list[i], ink, v)
		if err != nil {
			return err
		}
		if err := fn(sheet); err != nil {
			return err
		}
	}
	return nil
}

// signed puts a printed sheet on its blank.
func signed(r *rand.Rand, blank *Blank, s *Signed, ink *image.Gray, v *Severity) (*Sheet, error) {
	sheet, err := blank.Numbered(s.Series, s.BlankNumber, Code128)
	if err != nil {
		return nil, err
	}
	sheet.Print(ink, v.Misprint.draw(r), v.Misprint.draw(r), v.Faded.draw(r))
	paper := blank.profile.Sheet
	sheet.Stamp(r, paper.Width*.86, paper.Height*.87)
	sheet.Sign(r, paper.Width*.66, paper.Height*.82)
	if box, ok := blank.profile.Region(service.RegionRegistrationNumber); ok && s.Blotted {
		sheet.Blot(r, box)
	}
	return sheet, nil
}
