package ocr

// colours is a picture in three bytes a pixel: red, green, blue.
type colours struct {
	w, h int
	rgb  []byte
}

func (d *decoder) colours(data []byte) (*colours, error) {
	w, h, err := d.size(data)
	if err != nil {
		return nil, err
	}
	c := &colours{w, h, make([]byte, 3*w*h)}
	return c, d.decode(data, c.rgb, w, h, 3, pixelFormat(3))
}

// light is the picture without its colours.
//
//go:norace
func (c *colours) light() *gray {
	g := newGray(c.w, c.h)
	for i := range g.pix {
		g.pix[i] = byte((299*int(c.rgb[3*i]) + 587*int(c.rgb[3*i+1]) + 114*int(c.rgb[3*i+2])) / 1000) //nolint:gosec // weights of 1 in all
	}
	return g
}

// aside is the picture in the light in which print stays and ink of stamps and pens,
// which is blue, fades: red print shows most beside that in blue light, blue print
// in red, black print where each pixel is the lightest.
//
//go:norace
func (c *colours) aside(h *homography, bars box) *gray {
	g := newGray(c.w, c.h)
	red, blue := c.ink(h, bars, 0), c.ink(h, bars, 2)
	for i := range g.pix {
		p := c.rgb[3*i : 3*i+3]
		switch {
		case red < coloured*blue:
			g.pix[i] = p[2]
		case blue < coloured*red:
			g.pix[i] = p[0]
		default:
			g.pix[i] = max(p[0], p[1], p[2])
		}
	}
	return g
}

// coloured is the share of one light's ink below which print has a colour.
const coloured = .6

// lightest is the share of a bar code's box that is no lighter than its paper. Half of
// it may be bars; what is lighter than that share is grain.
const lightest = .9

// ink is how much darker a box is than its paper, in one of the three lights.
//
//go:norace
func (c *colours) ink(h *homography, b box, light int) float64 {
	const step = .2 // mm
	var hist histogram
	sum := 0
	for y := b.y0; y < b.y1; y += step {
		for x := b.x0; x < b.x1; x += step {
			u, v := h.at(x, y)
			iu, iv := int(u), int(v)
			if u < 0 || v < 0 || iu >= c.w || iv >= c.h {
				continue
			}
			l := c.rgb[3*(iv*c.w+iu)+light]
			hist.add(l)
			sum += int(l)
		}
	}
	return float64(hist.share(lightest)) - float64(sum)/float64(max(hist.n, 1))
}
