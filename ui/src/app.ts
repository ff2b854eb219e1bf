import './htmx';
