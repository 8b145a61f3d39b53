package ocr

import "flowbot/service"

// readBlank reads the number of the blank twice: its bar code and its digits.
func (r *Reader) readBlank(p *page, out *service.PageReading) error {
	full, h := p.img, &p.h
	if b, ok := r.profile.Region(service.RegionBarCode); ok {
		area := box{b.X, b.Y, b.X + b.Width, b.Y + b.Height}
		out.BlankCode = r.bars.read(full, h, area, r.profile.Digits)
		if out.BlankCode == "" && p.part > 1 {
			var err error
			if full, h, err = r.full(p); err != nil {
				return err
			}
			out.BlankCode = r.bars.read(full, h, area, r.profile.Digits)
		}
	}
	var err error
	if b, ok := r.profile.Region(service.RegionBlankNumber); ok {
		out.BlankDigits, err = r.readDigits(p, b)
	}
	return err
}

// readDigits reads the digits of a region of the blank's own print.
func (r *Reader) readDigits(p *page, b service.Box) (string, error) {
	for _, whole := range []bool{false, true} {
		g, h := p.img, &p.h
		if whole {
			if p.part == 1 {
				break
			}
			var err error
			if g, h, err = r.full(p); err != nil {
				return "", err
			}
		}
		text, err := r.digits.line(stretched(g.crop(h, box{b.X, b.Y, b.X + b.Width, b.Y + b.Height}, 12)))
		if err != nil {
			return "", err
		}
		if len(text) == r.profile.Digits && digitsOf(text, r.profile.Digits) != "" {
			return text, nil
		}
	}
	return "", nil
}
