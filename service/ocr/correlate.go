package ocr

import "math"

// inked turns a picture into ink: 0 is white paper, 255 black.
func inked(g *gray) *plane {
	p := &plane{g.w, g.h, make([]float32, len(g.pix))}
	for i, v := range g.pix {
		p.pix[i] = 255 - float32(v)
	}
	return p
}

// plane is an image of numbers, row by row.
type plane struct {
	w, h int
	pix  []float32
}

// halved averages boxes of two by two.
func (p *plane) halved() *plane {
	out := &plane{p.w / 2, p.h / 2, make([]float32, (p.w/2)*(p.h/2))}
	for y := range out.h {
		a, b := p.pix[2*y*p.w:], p.pix[(2*y+1)*p.w:]
		for x := range out.w {
			out.pix[y*out.w+x] = (a[2*x] + a[2*x+1] + b[2*x] + b[2*x+1]) / 4
		}
	}
	return out
}

// unit takes the mean away and makes the length one.
func (p *plane) unit() *plane {
	var sum, square float64
	for _, v := range p.pix {
		sum += float64(v)
	}
	mean := float32(sum / float64(len(p.pix)))
	for i := range p.pix {
		p.pix[i] -= mean
		square += float64(p.pix[i]) * float64(p.pix[i])
	}
	k := float32(1 / math.Max(math.Sqrt(square), 1e-6))
	for i := range p.pix {
		p.pix[i] *= k
	}
	return p
}

// flat is the variance of 255 below which a place bears no print.
const flat = 40

// match is how well a tile that is a unit agrees with the place x, y of p, from -1
// to 1. A tenth of the tile may hang over the edge; more is -1.
//
//go:norace
func (p *plane) match(x, y int, tile *plane) float32 {
	x0, y0, x1, y1 := max(0, x), max(0, y), min(p.w, x+tile.w), min(p.h, y+tile.h)
	if (x1-x0)*(y1-y0)*10 < tile.w*tile.h*9 || x1 <= x0 || y1 <= y0 {
		return -1
	}
	var dot, sum, square, tsum, tsquare float32
	whole := x0 == x && y0 == y && x1 == x+tile.w && y1 == y+tile.h
	for j := y0; j < y1; j++ {
		row := p.pix[j*p.w+x0 : j*p.w+x1]
		line := tile.pix[(j-y)*tile.w+x0-x:][:len(row)]
		if whole {
			for i, v := range row {
				dot += v * line[i]
				sum += v
				square += v * v
			}
			continue
		}
		for i, v := range row {
			t := line[i]
			dot += v * t
			sum += v
			square += v * v
			tsum += t
			tsquare += t * t
		}
	}
	n := float32((x1 - x0) * (y1 - y0))
	variance := square - sum*sum/n
	if variance < n*flat {
		return 0
	}
	if whole {
		return dot / float32(math.Sqrt(float64(variance)))
	}
	tvariance := tsquare - tsum*tsum/n
	if tvariance <= 0 {
		return 0
	}
	return (dot - sum*tsum/n) / float32(math.Sqrt(float64(variance)*float64(tvariance)))
}

// best searches around x, y, so many pixels to each side.
func (p *plane) best(x, y, around int, tile *plane) (score float32, bx, by int) {
	score, bx, by = -1, x, y
	for dy := -around; dy <= around; dy++ {
		for dx := -around; dx <= around; dx++ {
			if s := p.match(x+dx, y+dy, tile); s > score {
				score, bx, by = s, x+dx, y+dy
			}
		}
	}
	return score, bx, by
}
