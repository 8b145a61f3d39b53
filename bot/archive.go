package bot

import (
	"context"

	"flowbot/service"
)

// archivePressed has the package of an act packed. The archive comes as a
// message of its own.
func (b *Bot) archivePressed(ctx context.Context, t *Turn) (Reply, error) {
	if t.Press.ID == 0 {
		return b.chooseAct(ctx, t, "", pressPackage)
	}
	if err := b.Archives.Order(ctx, t.By, t.Press.ID, t.UpdateID); err != nil {
		return Reply{}, err
	}
	switch {
	case t.Again: // the archive may have come before
		return Reply{}, nil
	case t.typed:
		return Reply{Text: "archive_ordered"}, nil
	}
	return Reply{Toast: "archive_ordered"}, nil
}

// renderArchive sends the packed package.
func (b *Bot) renderArchive(ctx context.Context, to service.Actor, n service.ArchiveNotice) (letter, error) {
	a, parts, err := b.Archives.Parts(ctx, to, n)
	if err != nil {
		return gone(err)
	}
	l := letter{Reply: Reply{Text: "archive", Data: archiveView{*a, len(parts)}, Rows: [][]Button{
		row(Button{Press: Press{pressAct, a.ID, 0}, Args: a.Number}, Button{Press: Press{Do: pressMenu}}),
	}}}
	for i, p := range parts {
		name, err := b.text.Label("file_archive", archivePart{p.Name, i + 1, len(parts)})
		if err != nil {
			return letter{}, err
		}
		made := Attachment{Name: name, Open: p.Open}
		if i+1 == len(parts) { // the last one carries the words
			l.Document = &made
		} else {
			l.Files = append(l.Files, made)
		}
	}
	return l, nil
}

// archiveView is what the message with an archive says.
type archiveView struct {
	Act   service.Act
	Parts int
}

// archivePart names one part of an archive.
type archivePart struct {
	Act       string
	Part, All int
}
