"""What two services need and what decides nothing: the published language and the chassis."""
