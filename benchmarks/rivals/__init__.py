"""The engines that are compared, each behind the same small class (`agreement.Engine`). Nothing is imported here: some are optional."""
