//! Status pages: what customers see of checks, incidents and maintenance.
