"""What finds identifiers in a text: one idea a file, registered as plug-ins of the point `recogniser`."""
