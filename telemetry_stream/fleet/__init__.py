"""Many hosts on one front end: remotes, the record and the mirror of each host, and the overview of all."""
