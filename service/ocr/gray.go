package ocr

// gray is one plane of 8 bits, row by row; dark is 0.
type gray struct {
	w, h int
	pix  []byte
}

func newGray(w, h int) *gray { return &gray{w, h, make([]byte, w*h)} }

// shrunk averages boxes of k by k pixels.
//
//go:norace
func (g *gray) shrunk(k int) *gray {
	if k <= 1 {
		return g
	}
	out := newGray(g.w/k, g.h/k)
	sums := make([]uint32, out.w)
	for y := range out.h {
		clear(sums)
		for j := range k {
			row := g.pix[(y*k+j)*g.w:][:out.w*k]
			for x := range sums {
				for _, v := range row[x*k : x*k+k] {
					sums[x] += uint32(v)
				}
			}
		}
		for x, s := range sums {
			out.pix[y*out.w+x] = byte(s / uint32(k*k)) //nolint:gosec // k is a small count, the mean of bytes a byte
		}
	}
	return out
}

// transposed changes rows and columns.
//
//go:norace
func (g *gray) transposed() *gray {
	out := newGray(g.h, g.w)
	for y := range g.h {
		for x, v := range g.pix[y*g.w : (y+1)*g.w] {
			out.pix[x*out.w+y] = v
		}
	}
	return out
}

// crop straightens a region of the blank out of an image, so many pixels a
// millimetre. What lies beyond the image is white.
//
//go:norace
func (g *gray) crop(h *homography, r box, ppm float64) *gray {
	out := newGray(max(1, int((r.x1-r.x0)*ppm)), max(1, int((r.y1-r.y0)*ppm)))
	for y := range out.h {
		my := r.y0 + (float64(y)+.5)/ppm
		row := out.pix[y*out.w : (y+1)*out.w]
		// Along a row the numerators and the denominator change evenly.
		mx := r.x0 + .5/ppm
		un, vn, dn := h[0]*mx+h[1]*my+h[2], h[3]*mx+h[4]*my+h[5], h[6]*mx+h[7]*my+h[8]
		us, vs, ds := h[0]/ppm, h[3]/ppm, h[6]/ppm
		for x := range row {
			u, v := un/dn-.5, vn/dn-.5
			un, vn, dn = un+us, vn+vs, dn+ds
			if u < 0 || v < 0 || u >= float64(g.w-1) || v >= float64(g.h-1) {
				row[x] = 255
				continue
			}
			iu, iv := int(u), int(v)
			fu, fv := float32(u)-float32(iu), float32(v)-float32(iv)
			i := iv*g.w + iu
			top := float32(g.pix[i])*(1-fu) + float32(g.pix[i+1])*fu
			low := float32(g.pix[i+g.w])*(1-fu) + float32(g.pix[i+g.w+1])*fu
			row[x] = byte(top*(1-fv) + low*fv)
		}
	}
	return out
}
