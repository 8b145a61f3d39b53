package ocr

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

// The shape of the net that reads single digits: a cell, two layers of small
// filters that look at every second place, and two that see the whole cell.
const (
	glyphCellWide, glyphCellHigh = 16, 24 // pixels; a digit is 16 high, in the middle
	glyphCapital                 = 16.0   // height of a digit in the cell

	glyphKernel1, glyphMaps1 = 5, 10
	glyphWide1, glyphHigh1   = glyphCellWide / 2, glyphCellHigh / 2
	glyphKernel2, glyphMaps2 = 3, 20
	glyphWide2, glyphHigh2   = glyphWide1 / 2, glyphHigh1 / 2
	glyphHidden              = 32
	glyphClasses             = 11 // the digits, and what is none
)

// glyphSizes are how many weights each layer has, biases last.
var glyphSizes = [4]int{
	glyphMaps1*glyphKernel1*glyphKernel1 + glyphMaps1,
	glyphMaps2*glyphMaps1*glyphKernel2*glyphKernel2 + glyphMaps2,
	glyphHidden*glyphMaps2*glyphWide2*glyphHigh2 + glyphHidden,
	glyphClasses*glyphHidden + glyphClasses,
}

// glyphNet reads single digits of any typeface. It is safe for concurrent use.
type glyphNet struct{ weights [4][]float32 }

// newGlyphNet returns the net of the learned weights.
func newGlyphNet(data []byte) (*glyphNet, error) {
	n := &glyphNet{}
	in := bytes.NewReader(data)
	for i, size := range glyphSizes {
		var scale float32
		small := make([]int8, size)
		if err := errors.Join(binary.Read(in, binary.LittleEndian, &scale), binary.Read(in, binary.LittleEndian, small)); err != nil {
			return nil, fmt.Errorf("read the weights of digits: %w", err)
		}
		n.weights[i] = make([]float32, size)
		for k, v := range small {
			n.weights[i][k] = scale * float32(v)
		}
	}
	if in.Len() != 0 {
		return nil, errors.New("read the weights of digits: too many")
	}
	return n, nil
}

// glyphState is what a cell becomes on its way through the net.
type glyphState struct {
	one    [glyphMaps1 * glyphWide1 * glyphHigh1]float32
	two    [glyphMaps2 * glyphWide2 * glyphHigh2]float32
	hidden [glyphHidden]float32
	out    [glyphClasses]float32 // logarithms of likelihoods
}

// read looks at a cell, ink over paper: 0 paper, 1 ink.
func (n *glyphNet) read(cell *[glyphCellWide * glyphCellHigh]float32, s *glyphState) {
	glyphFilter(cell[:], 1, glyphCellWide, glyphCellHigh, n.weights[0], glyphKernel1, glyphMaps1, s.one[:])
	glyphFilter(s.one[:], glyphMaps1, glyphWide1, glyphHigh1, n.weights[1], glyphKernel2, glyphMaps2, s.two[:])
	glyphSums(s.two[:], n.weights[2], s.hidden[:])
	for i, v := range s.hidden {
		s.hidden[i] = max(v, 0)
	}
	glyphSums(s.hidden[:], n.weights[3], s.out[:])
	most := s.out[0]
	for _, v := range s.out {
		most = max(most, v)
	}
	sum := 0.0
	for _, v := range s.out {
		sum += math.Exp(float64(v - most))
	}
	all := most + float32(math.Log(sum))
	for i := range s.out {
		s.out[i] -= all
	}
}

// glyphFilter lays maps of filters over every second place of depth planes; what lies
// beyond an edge is 0, and so is what would come out below it.
//
//go:norace
func glyphFilter(in []float32, depth, w, h int, weights []float32, kernel, maps int, out []float32) {
	bias := weights[maps*depth*kernel*kernel:]
	ow, oh := w/2, h/2
	for m := range maps {
		plane := out[m*ow*oh : (m+1)*ow*oh]
		for i := range plane {
			plane[i] = bias[m]
		}
		for d := range depth {
			for j := range kernel {
				for i := range kernel {
					k := weights[((m*depth+d)*kernel+j)*kernel+i]
					x0, x1 := glyphSpan(i-kernel/2, w, ow)
					y0, y1 := glyphSpan(j-kernel/2, h, oh)
					for y := y0; y < y1; y++ {
						row := in[(d*h+2*y+j-kernel/2)*w:][:w]
						to := plane[y*ow : (y+1)*ow]
						at := 2*x0 + i - kernel/2
						for x := x0; x < x1; x++ {
							to[x] += k * row[at]
							at += 2
						}
					}
				}
			}
		}
		for i, v := range plane {
			plane[i] = max(v, 0)
		}
	}
}

// glyphSpan are the places of which twice the place and an offset lie within a length.
func glyphSpan(off, long, places int) (from, to int) {
	if off < 0 {
		from = (1 - off) / 2
	}
	return from, min(places, (long-1-off)/2+1)
}

// glyphSums adds up all of in for each of out.
//
//go:norace
func glyphSums(in, weights, out []float32) {
	bias := weights[len(in)*len(out):]
	for k := range out {
		sum := bias[k]
		for i, w := range weights[k*len(in) : (k+1)*len(in)] {
			sum += w * in[i]
		}
		out[k] = sum
	}
}

// leastGlyphContrast is what paper and ink of a cell are apart at least, of 255, so that
// grain of empty paper is not taken for ink.
const leastGlyphContrast = 14

// inkLight is the share of a cell that is no lighter than full ink: 15 of its pixels,
// fewer than a 1 has.
const inkLight = .04

// inkOverPaper turns the light of a cell into ink over paper.
func inkOverPaper(light *[glyphCellWide * glyphCellHigh]float32) {
	var hist histogram
	for _, v := range light {
		hist.add(byte(min(max(v, 0), 255)))
	}
	ink, paper := float32(hist.share(inkLight)), float32(hist.share(paperLight))
	k := 1 / max(paper-ink, leastGlyphContrast)
	for i, v := range light {
		light[i] = min(max((paper-v)*k, -.3), 1.3)
	}
}
