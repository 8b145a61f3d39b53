package bot

import "flowbot/service"

func (b *Bot) frdoActions() []action { return nil }

// frdoTalks are the conversations of this subject.
func frdoTalks() []talk { return nil }

// frdoNotices are the notices of this subject.
func (b *Bot) frdoNotices() map[string]notice { return nil }

// frdoExamRows are this subject's rows of buttons on an exam's card.
func (b *Bot) frdoExamRows(_ *Turn, _ *service.ExamView) [][]Button { return nil }

// frdoApplicationRows are this subject's rows of buttons on an application's card.
func (b *Bot) frdoApplicationRows(_ *Turn, _ *service.ApplicationView) [][]Button { return nil }
